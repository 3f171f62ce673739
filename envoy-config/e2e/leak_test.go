package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun/envoytest"
)

// What TestLeak must not find. Each has characters that a form or a URL must encode. All tokens begin with leakToken.
var secrets = []string{leakKey, leakUnknown, leakQueryKey, leakSecret, leakToken, leakPassword}

const (
	leakKey      = "leak~key/1+good="
	leakUnknown  = "leak~key/2+unknown="
	leakQueryKey = "leak~key/3+query="
	leakSecret   = "leak~secret/4+okta="
	leakToken    = "leak~token/5+"
	leakPassword = "leak~password/6+basic="
)

// TestLeak plays requests that are admitted, and refused at each step, on the shipped configuration, against an
// authorization server that repeats all it is told; then it looks for each key, token and secret, in every spelling,
// wherever an operator or a client can look.
func TestLeak(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	okta := &echoingOkta{}
	w.deployment.Okta.Address = w.serve(t, issued(t)(w.ca.Server("*.okta.com")), false, okta.introspect)
	w.deployment.PluginConfig = leakConfig(t)
	o := withEnvoy(t, w.options(t))
	o.Env = []string{"OKTA_CLIENT_SECRET=" + leakSecret}
	o.Args = []string{"--component-log-level", "wasm:debug"}
	p := envoytest.Start(t, o)
	client := w.client(t, p)

	var responses strings.Builder
	reasons := map[string]bool{}
	for _, c := range leakCases() {
		response, reason := c.send(t, client, leakToken+c.name)
		responses.WriteString(response)
		if reason != c.reason {
			t.Errorf("%s: reason %q, want %q", c.name, reason, c.reason)
		}
		reasons[reason] = true
	}
	for range len(w.seen) {
		r := <-w.seen
		for _, key := range []string{leakKey, leakUnknown, leakQueryKey} {
			wantAbsent(t, "the backend", fmt.Sprint(r.URL, r.Header), key)
		}
	}

	places := evidence(t, p, len(leakCases()))
	places["the responses"] = responses.String()
	// Each place must have what is known to be there, or nothing was looked at.
	for _, planted := range []struct{ place, text string }{
		{"the log", "introspection.credentials_refused"},
		{"the log", "[debug][wasm]"},
		{"the access log", "/customers/v1/orders/planted"},
		{"/config_dump", hexDigest(leakKey)},
		{"/stats", "sallyport_decisions"},
		{"/stats/prometheus", `sallyport_decisions{decision="deny",reason="api_key.unknown"}`},
		{"the responses", "orders"},
	} {
		if spelling, _ := findSpelled(places[planted.place], planted.text); spelling != "plain" {
			t.Errorf("%s does not have %q", planted.place, planted.text)
		}
	}
	size := 0
	for place, text := range places {
		size += len(text)
		for _, secret := range secrets {
			wantAbsent(t, place, text, secret)
		}
	}
	okta.wantTold(t)
	t.Logf("%d requests, %d reasons; %d secrets looked for in %d places, %d KiB", len(leakCases()), len(reasons), len(secrets), len(places), size>>10)
}

// TestLeakRefusedConfig: an operator who puts a secret where none belongs finds out, but not from a copy in the log.
func TestLeakRefusedConfig(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, secret := strconv.Quote(leakKey), strconv.Quote(leakSecret)
	w.deployment.PluginConfig = reworded(t, map[string]string{
		strconv.Quote(hexDigest(testKey)): key,                                              // not its digest
		`{"env":"OKTA_CLIENT_SECRET"}`:    `{"inline":` + secret + `,"env":` + secret + `}`, // both
		`"client_id":"0oa1gateway"`:       `"client_id":"0oa1gateway","client_secrets":` + secret,
	})
	lines, err := envoyrun.Validate(t.Context(), withEnvoy(t, w.options(t)))
	if err == nil {
		t.Fatal("envoy took the configuration")
	}
	text := fmt.Sprint(lines)
	for _, place := range []string{"sha256", "client_secret", "client_secrets"} {
		if !strings.Contains(text, place+": ") {
			t.Errorf("the log does not name %s", place)
		}
	}
	wantAbsent(t, "the log", text, leakKey)
	wantAbsent(t, "the log", text, leakSecret)
	for _, l := range lines {
		if strings.Contains(l.Text, "config refused") {
			t.Log(l.Text)
		}
	}
}

// evidence is all that Envoy shows: its log with the Wasm part at debug level, the access log of that many requests,
// the admin pages.
func evidence(t *testing.T, p *envoyrun.Process, requests int) map[string]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	logged := 0
	if _, err := p.Output().Wait(ctx, 0, func(envoyrun.Line) bool { logged++; return logged == requests }); err != nil {
		t.Fatalf("%d lines in the access log: %v", logged, err)
	}
	if err := allReported(ctx, p); err != nil {
		t.Fatal(err)
	}
	if err := p.Log().Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	lines := func(log *envoyrun.Log) string {
		var b strings.Builder
		for _, l := range log.Since(0) {
			b.WriteString(l.String() + "\n")
		}
		return b.String()
	}
	places := map[string]string{"the log": lines(p.Log()), "the access log": lines(p.Output())}
	for _, page := range []string{"/config_dump", "/stats", "/stats/prometheus", "/server_info", "/clusters", "/listeners"} {
		body, err := p.Get(t.Context(), page)
		if err != nil {
			t.Fatal(err)
		}
		places[page] = string(body)
	}
	return places
}

func wantAbsent(t *testing.T, place, text, secret string) {
	t.Helper()
	if spelling, at := findSpelled(text, secret); spelling != "" {
		t.Errorf("%s holds %q %s: ...%s...", place, secret, spelling, text[max(at-80, 0):min(at+80, len(text))])
	}
}

// findSpelled says in which spelling the secret stands in the text, and where; "" when it does not.
func findSpelled(text, secret string) (spelling string, at int) {
	spellings := map[string][]string{
		"plain":   {secret, strings.ReplaceAll(secret, "/", `\/`)}, // the latter in JSON
		"in hex":  {hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret)))},
		"encoded": {url.QueryEscape(secret), strings.ToLower(url.QueryEscape(secret)), url.PathEscape(secret)},
	}
	for before := range 3 { // in base64 it depends on the bytes before it
		padded := append(make([]byte, before), secret...)
		first, last := (8*before+5)/6, 8*len(padded)/6 // the characters that the secret alone decides
		for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			spellings["in base64"] = append(spellings["in base64"], e.EncodeToString(padded)[first:last])
		}
	}
	for _, spelling := range []string{"plain", "encoded", "in hex", "in base64"} {
		for _, look := range spellings[spelling] {
			if at := strings.Index(text, look); at >= 0 {
				return spelling, at
			}
		}
	}
	return "", 0
}

// leakConfig is the shipped configuration of the filter with a key of this test, which may stand in the query too.
func leakConfig(t *testing.T) []byte {
	t.Helper()
	return reworded(t, map[string]string{
		hexDigest(testKey):                hexDigest(leakKey),
		`"from":[{"header":"x-api-key"}]`: `"from":[{"header":"x-api-key"},{"query":"apikey"}]`,
		`"rate":"200ps"`:                  `"rate":"100000ps"`,
		`"timeout":"2s"`:                  `"timeout":"2s","breaker":"off"`,
	})
}

// reworded is the filter's shipped configuration with other words in some places.
func reworded(t *testing.T, words map[string]string) []byte {
	t.Helper()
	text := string(pluginConfig(t))
	for old, now := range words {
		if !strings.Contains(text, old) {
			t.Fatalf("the shipped configuration has no %s", old)
		}
		text = strings.Replace(text, old, now, 1)
	}
	return []byte(text)
}

func hexDigest(text string) string {
	digest := sha256.Sum256([]byte(text))
	return hex.EncodeToString(digest[:])
}

// leakCase is a request with a good key and a token of its own, but for what change changes.
type leakCase struct {
	name, reason, query string
	change              func(h http.Header, token string)
}

func leakCases() []leakCase {
	set := func(name string, values ...string) func(http.Header, string) {
		return func(h http.Header, _ string) { h[http.CanonicalHeaderKey(name)] = values }
	}
	key := url.QueryEscape(leakQueryKey)
	cases := []leakCase{
		{name: "good"},
		{name: "good-in-query", query: "?apikey=" + url.QueryEscape(leakKey) + "&page=2", change: set("x-api-key")},
		{name: "forged", change: func(h http.Header, token string) {
			h.Set("x-sallyport-app", leakUnknown)
			h.Set("x-sallyport-subject", token)
		}},
		{name: "unknown-key", reason: "api_key.unknown", change: set("x-api-key", leakUnknown)},
		{name: "unknown-in-query", reason: "api_key.unknown", query: "?apikey=" + key, change: set("x-api-key")},
		{name: "two-keys", reason: "api_key.ambiguous", query: "?apikey=" + key},
		{name: "key-twice", reason: "api_key.ambiguous", change: set("x-api-key", leakKey, leakUnknown)},
		{name: "basic", reason: "token.missing", change: set("authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("jane:"+leakPassword)))},
		{name: "malformed", reason: "token.malformed", change: func(h http.Header, token string) { h.Set("authorization", "Bearer "+token+" {}") }},
		{name: "joined", reason: "token.ambiguous", change: func(h http.Header, token string) { h.Set("authorization", "Bearer "+token+", Bearer "+token+"2") }},
		{name: "long", reason: "token.too_long", change: func(h http.Header, token string) {
			h.Set("authorization", "Bearer "+token+strings.Repeat("x", 20_000))
		}},
	}
	const holds = "status-429" // all calls after it
	for name, reason := range oktaReasons {
		if name != holds {
			cases = append(cases, leakCase{name: name, reason: reason})
		}
	}
	return append(cases, leakCase{name: holds, reason: oktaReasons[holds]})
}

// send answers the response as text.
func (c leakCase) send(t *testing.T, client *http.Client, token string) (response, reason string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+apiHost+"/customers/v1/orders/planted"+c.query, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("x-api-key", leakKey)
	req.Header.Set("authorization", "Bearer "+token)
	if c.change != nil {
		c.change(req.Header, token)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if (resp.StatusCode == http.StatusOK) != (c.reason == "") {
		t.Errorf("%s: status %d", c.name, resp.StatusCode)
	}
	return fmt.Sprintf("%s\n%v\n%s\n", resp.Status, resp.Header, body), resp.Header.Get("x-sallyport-reason")
}

package command

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/sallyport-gateway/sallyport/filter/internal/config"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/nativehost"
)

// reference is the operator's page. Its examples are fenced blocks with the info
// string "yaml example=STEP", which stand in the document "yaml example=base".
const reference = "../../../../README.md"

var exampleBlock = regexp.MustCompile("(?ms)^```yaml((?: example=[a-z_]+)+)\n(.*?)^```$")

// examples gives the whole document for each step that the page has an example of.
func examples(t *testing.T) map[string]map[string]any {
	t.Helper()
	page, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]any{}
	for _, m := range exampleBlock.FindAllSubmatch(page, -1) {
		for word := range strings.FieldsSeq(string(m[1])) {
			step := strings.TrimPrefix(word, "example=")
			if all[step] != nil {
				t.Errorf("%s has two examples of %s", reference, step)
			}
			var members map[string]any
			if err := yaml.UnmarshalStrict(m[2], &members); err != nil {
				t.Fatalf("the example of %s: %v", step, err)
			}
			document := maps.Clone(all["base"])
			if document == nil {
				document = map[string]any{}
			}
			maps.Copy(document, members)
			all[step] = document
		}
	}
	delete(all, "base")
	return all
}

// call is one request of an example's play, and what becomes of it: "" is for one
// that reaches the backend.
type call struct {
	method, target string
	headers        []host.Header
	refused        string // the reason
	status         int    // 0: 200
}

func header(name, value string) host.Header {
	return host.Header{Name: name, Value: value}
}

// plays are an admitted and a refused call for each step. What a step refuses
// only in the company of other calls, this host cannot play: it has one at a time.
func plays(token func(audience string) string) map[string][]call {
	bearer := func(t string) []host.Header { return []host.Header{header("authorization", "Bearer "+t)} }
	good := call{method: "GET", target: "/orders/v1/1"}
	preflight := func(origin string) []host.Header {
		return []host.Header{header("origin", origin), header("access-control-request-method", "GET")}
	}
	key := call{method: "GET", target: "/orders/v1/1", headers: []host.Header{header("x-api-key", "example-key")}}
	noKey := call{method: "GET", target: "/orders/v1/1", refused: "api_key.missing", status: 401}
	return map[string][]call{
		"cors": {
			good,
			{method: "OPTIONS", target: "/orders/v1/1", headers: preflight("https://evil.example"), refused: "cors.origin_refused", status: 403},
		},
		"ip_access": {
			{method: "GET", target: "/orders/v1/1", headers: []host.Header{header("x-forwarded-for", "203.0.113.7")}},
			{method: "GET", target: "/orders/v1/1", headers: []host.Header{header("x-forwarded-for", "203.0.113.66")}, refused: "ip_access.denied", status: 403},
		},
		"spike_arrest":     {good, good, good, {method: "GET", target: "/orders/v1/1", refused: "spike_arrest.exceeded", status: 429}},
		"concurrent_calls": {good},
		"quota":            {good, good, {method: "GET", target: "/orders/v1/1", refused: "quota.exceeded", status: 429}},
		"verify_api_key":   {key, noKey},
		"remove_api_key":   {key, noKey},
		"introspect_token": {
			{method: "GET", target: "/orders/v1/1", headers: bearer("opaque")},
			{method: "GET", target: "/orders/v1/1", refused: "token.missing", status: 401},
		},
		"verify_jwt": {
			{method: "GET", target: "/orders/v1/1", headers: bearer(token("api://orders"))},
			{method: "GET", target: "/orders/v1/1", headers: bearer(token("api://other")), refused: "token.audience_mismatch", status: 401},
		},
		"require_token": {
			{method: "GET", target: "/orders/v1/1", headers: bearer("opaque")},
			{method: "GET", target: "/orders/v1/1", headers: bearer("narrow"), refused: "token.scope_insufficient", status: 403},
		},
		"set_headers": {good, {method: "GET", target: "/other", refused: "api.unknown", status: 404}},
		"raise_fault": {good, {method: "GET", target: "/orders/v1/drafts/1", refused: "raise_fault.raised", status: 410}},
	}
}

// TestReferenceExamples: the reference has an example of each step; the filter
// takes it, check --strict has nothing to say of it, and it does what it shows.
func TestReferenceExamples(t *testing.T) {
	all := examples(t)
	steps := slices.Sorted(maps.Keys(config.ConfigSchema().Definitions["sequence"].Items.Properties))
	if len(steps) < 12 {
		t.Fatalf("the schema has only the steps %v", steps)
	}
	issuer := newIssuer(t)
	toPlay := plays(issuer.token)
	for _, step := range steps {
		t.Run(step, func(t *testing.T) {
			document := all[step]
			if document == nil {
				t.Fatalf("%s has no example of %s: a block ```yaml example=%s", reference, step, step)
			}
			text, err := json.Marshal(document)
			if err != nil {
				t.Fatal(err)
			}
			if !hasStep(document, step) {
				t.Errorf("the example of %s has another sequence: %s", step, text)
			}
			file := filepath.Join(t.TempDir(), "sallyport.json")
			if err := os.WriteFile(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
			found, err := checkFile(file, nil)
			if err != nil || len(found) > 0 {
				t.Fatalf("check --strict says %+v, %v", found, err)
			}
			if len(toPlay[step]) == 0 {
				t.Fatal("nothing is played")
			}
			issuer.play(t, text, toPlay[step])
		})
		delete(all, step)
	}
	for step := range all {
		t.Errorf("%s has an example of %s, which is not a step", reference, step)
	}
}

func hasStep(document map[string]any, step string) bool {
	sequence, _ := document["sequence"].([]any)
	return slices.ContainsFunc(sequence, func(item any) bool {
		members, _ := item.(map[string]any)
		return members[step] != nil
	})
}

// issuer is an authorization server of the examples.
type issuer struct {
	key *rsa.PrivateKey
	now time.Time
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return &issuer{key, time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (s *issuer) token(audience string) string {
	signed := base64url([]byte(`{"alg":"RS256","kid":"k"}`)) + "." + base64url(fmt.Appendf(nil,
		`{"iss":"https://dev-123456.okta.com/oauth2/default","aud":%q,"exp":%d,"scp":["orders.read"],"sub":"u"}`, audience, s.now.Add(time.Hour).Unix()))
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, s.key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return signed + "." + base64url(signature)
}

// answer is what the server says of any token, or its keys.
func (s *issuer) answer(scope, audience string, keys bool) nativehost.ClusterAnswer {
	body := fmt.Sprintf(`{"active":true,"iss":"https://dev-123456.okta.com/oauth2/default","aud":%q,"scope":%q,"exp":%d}`, audience, scope, s.now.Add(time.Hour).Unix())
	if keys {
		body = fmt.Sprintf(`{"keys":[{"kty":"RSA","kid":"k","alg":"RS256","use":"sig","e":"AQAB","n":%q}]}`, base64url(s.key.N.Bytes()))
	}
	return nativehost.ClusterAnswer{Response: nativehost.Response{Status: 200, Headers: []host.Header{header("content-type", "application/json")}, Body: []byte(body)}}
}

// play has one host carry out the calls, in their order.
func (s *issuer) play(t *testing.T, document []byte, calls []call) {
	t.Helper()
	keys := strings.Contains(string(document), "verify_jwt")
	h, err := nativehost.Start(nativehost.Setup{
		Config: document, Now: s.now,
		Env:      func(string) (string, bool) { return "a-secret", true },
		Clusters: map[string]nativehost.ClusterAnswer{"okta": s.answer("orders.read", "api://orders", keys)},
		Upstream: nativehost.Response{Status: 200},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range calls {
		headers := []host.Header{header("host", "api.example.com")}
		for _, line := range c.headers {
			headers = append(headers, line)
			if line.Value == "Bearer narrow" {
				h.SetCluster("okta", s.answer("orders.other", "api://orders", keys))
			}
		}
		r, err := h.Do(nativehost.Request{Method: c.method, Target: c.target, Headers: headers})
		if err != nil {
			t.Fatal(err)
		}
		want := max(c.status, 200)
		reason := ""
		for _, line := range r.Response.Headers {
			if line.Name == "x-sallyport-reason" {
				reason = line.Value
			}
		}
		if r.Response.Status != want || reason != c.refused || (r.Backend != nil) != (c.refused == "") {
			t.Errorf("%s %s: %d %q, at the backend: %v; want %d %q", c.method, c.target, r.Response.Status, reason, r.Backend != nil, want, c.refused)
		}
	}
}

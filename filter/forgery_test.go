package main_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

// identity is what the backend must be told of request("...") and of no forgery, by a header's folded name.
var identity = map[string]string{
	"x-sallyport-app": "portal-app", "x-sallyport-developer": "dev@example.com", "x-sallyport-product": "portal",
	"x-sallyport-client-id": "portal", "x-sallyport-scopes": "openid customers.read",
	"x-user": "jane", // subject, under a name of the operator's
}

// separators are the bytes that may stand in a name (RFC 9110 section 5.6.2) and are neither letter nor digit.
const separators = "!#$%&'*+-.^_`|~"

// folded is how a backend behind CGI, PHP or WSGI reads a header's name.
func folded(name string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(separators, r) {
			return '-'
		}
		return r
	}, strings.ToLower(name))
}

// TestLeakKeyOrForgeryToBackend: however a client spells them, headers that say who calls come from the gateway alone,
// and the key stays here, wherever it was sent.
func TestLeakKeyOrForgeryToBackend(t *testing.T) {
	config := strings.Replace(string(configuration(t, fullSequence)), `{`, `{"identity_headers":{"subject":"x-user"},`, 1)
	g := start(t, module(t), []byte(config))
	reached, refused := 0, 0
	play := func(t *rapid.T) {
		r := drawRequest(t)
		response, exchange, err := g.Do(g.t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if exchange.Upstream == nil {
			refused++
			if response.Status != 401 {
				t.Errorf("refused with %d", response.Status)
			}
			return
		}
		reached++
		wantOwnIdentity(t, exchange.Upstream.Headers)
		wantNoKey(t, exchange.Upstream.Headers, r.Path)
		for _, trailer := range exchange.Upstream.Trailers {
			if name := folded(trailer.Name); strings.HasPrefix(name, "x-sallyport-") || name == "x-user" || name == "x-api-key" {
				t.Errorf("the backend saw the trailer %s: %s", trailer.Name, trailer.Value)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		for range 20 { // rapid makes 100 checks by itself
			play(t)
		}
	})
	t.Logf("%d requests reached the backend, %d were refused", reached, refused)
	if reached == 0 || refused == 0 {
		t.Error("the property was tested on one kind of request only")
	}
}

// TestForgedIdentitySeparators: every separator, in headers and in trailers, where a sequence runs and where none does.
func TestForgedIdentitySeparators(t *testing.T) {
	config := []byte(`{"version":1,"identity_headers":{"subject":"x-user"},"apis":[{"name":"open","version":"v1","base_path":"/open","sequence":[]},` +
		`{"name":"keyed","version":"v1","base_path":"/keyed","sequence":[{"remove_api_key":{"from":[{"header":"x-api-key"}]}}]}]}`)
	g := start(t, module(t), config)
	for _, c := range separators {
		sep := string(c)
		forged := abi.Headers{{Name: "x" + sep + "sallyport" + sep + "subject", Value: "root"}, {Name: "x" + sep + "user", Value: "root"}}
		key := abi.Header{Name: "x" + sep + "api" + sep + "key", Value: goodKey}
		harmless := abi.Header{Name: "x" + sep + "users", Value: "stays"}
		for _, path := range []string{"/open/1", "/keyed/1"} {
			r := hostsim.Request{
				Method: "POST", Path: path, Authority: "api.example.com", Body: []byte("body"),
				Headers: append(slices.Clone(forged), key, harmless), Trailers: append(slices.Clone(forged), key, harmless),
			}
			response, exchange, err := g.Do(t.Context(), r)
			if err != nil || response.Status != 200 {
				t.Fatalf("%s %s: %v, status %d", path, sep, err, response.Status)
			}
			keyLeft := path == "/open/1" // where no step removes it
			for place, seen := range map[string]abi.Headers{"header": exchange.Upstream.Headers, "trailer": exchange.Upstream.Trailers} {
				for _, f := range forged {
					if _, ok := seen.Get(f.Name); ok {
						t.Errorf("%s: the backend saw the %s %s", path, place, f.Name)
					}
				}
				if _, ok := seen.Get(key.Name); ok != (keyLeft && place == "header") {
					t.Errorf("%s: the backend saw the %s %s: %v", path, place, key.Name, ok)
				}
				if _, ok := seen.Get(harmless.Name); !ok {
					t.Errorf("%s: the %s %s was lost", path, place, harmless.Name)
				}
			}
		}
	}
}

// TestTokenInATrailer: where a token is looked at in a header, the backend gets none in a trailer, which nobody has looked at.
func TestTokenInATrailer(t *testing.T) {
	for name, want := range map[string]bool{fullSequence: false, "- spike_arrest: {rate: 100ps}": true} {
		g := start(t, module(t), configuration(t, name))
		r := request("token-of-jane")
		r.Method, r.Body = "POST", []byte("body")
		r.Trailers = abi.Headers{{Name: "authorization", Value: "Bearer token-of-root"}, {Name: "DPoP", Value: "proof"}, {Name: "x-checksum", Value: "1"}}
		response, exchange, err := g.Do(t.Context(), r)
		if err != nil || response.Status != 200 {
			t.Fatalf("%v, status %d", err, response.Status)
		}
		for _, trailer := range []string{"authorization", "dpop"} {
			if _, ok := exchange.Upstream.Trailers.Get(trailer); ok != want {
				t.Errorf("%s: the backend got the trailer %s: %v", name, trailer, ok)
			}
		}
		if _, ok := exchange.Upstream.Trailers.Get("x-checksum"); !ok {
			t.Error("another trailer was lost")
		}
	}
}

// TestConnectionUnsaysNoIdentity: with an upgrade Envoy passes Connection on, and a proxy behind it takes away what that
// names.
func TestConnectionUnsaysNoIdentity(t *testing.T) {
	g := start(t, module(t), []byte(`{"version":1,"apis":[{"name":"open","version":"v1","base_path":"/","sequence":[]}]}`))
	for sent, want := range map[string]string{
		"Upgrade":                            "Upgrade",
		"keep-alive, Upgrade":                "keep-alive, Upgrade",
		"upgrade, x-sallyport-app":           "upgrade",
		"Authorization,upgrade, X-Forwarded": "upgrade",
	} {
		r := hostsim.Request{Path: "/", Authority: "api.example.com", Headers: abi.Headers{{Name: "connection", Value: sent}, {Name: "upgrade", Value: "websocket"}}}
		response, exchange, err := g.Do(t.Context(), r)
		if err != nil || response.Status != 200 {
			t.Fatalf("%v, status %d", err, response.Status)
		}
		if got, _ := exchange.Upstream.Headers.Get("connection"); got != want {
			t.Errorf("connection: %s reached the backend as %q, want %q", sent, got, want)
		}
	}
}

func drawRequest(t *rapid.T) hostsim.Request {
	r := hostsim.Request{
		Path: "/customers/v1/orders/7", Authority: "api.example.com",
		Headers: append(rapid.SliceOfN(forgedHeader(), 0, 8).Draw(t, "forged"), abi.Header{Name: "authorization", Value: "Bearer token-of-jane"}),
	}
	if rapid.Bool().Draw(t, "key in a header") {
		at := rapid.IntRange(0, len(r.Headers)).Draw(t, "place")
		r.Headers = slices.Insert(r.Headers, at, abi.Header{Name: respelled("x-api-key", rapid.Bool().Draw(t, "elsewhere")).Draw(t, "key header"), Value: goodKey})
	}
	if rapid.Bool().Draw(t, "body") {
		r.Body = []byte("body")
		r.Trailers = rapid.SliceOfN(forgedHeader(), 0, 4).Draw(t, "trailers")
	}
	if parts := rapid.SliceOfN(parameter(), 0, 6).Draw(t, "query"); len(parts) > 0 {
		r.Path += "?" + strings.Join(parts, "")
	}
	return r
}

func wantOwnIdentity(t *rapid.T, seen abi.Headers) {
	told := map[string]string{}
	for _, h := range seen {
		if name := folded(h.Name); strings.HasPrefix(name, "x-sallyport-") || name == "x-user" {
			if _, twice := told[name]; twice {
				t.Errorf("header %s came twice", name)
			}
			told[name] = h.Value
		}
	}
	if diff := cmp.Diff(identity, told); diff != "" {
		t.Errorf("identity headers (-want +got):\n%s", diff)
	}
}

func wantNoKey(t *rapid.T, seen abi.Headers, sent string) {
	for _, h := range seen {
		if strings.Contains(h.Value, goodKey) || folded(h.Name) == "x-api-key" {
			t.Errorf("the backend saw %s: %s", h.Name, h.Value)
		}
	}
	target, _ := seen.Get(":path")
	path, query, _ := strings.Cut(target, "?")
	if path != "/customers/v1/orders/7" {
		t.Errorf("the path became %q", path)
	}
	if names := parameterNames(query); slices.Contains(names, "apikey") {
		t.Errorf("%q became %q: the key is still there", sent, target)
	}
	_, sentQuery, _ := strings.Cut(sent, "?")
	others := slices.DeleteFunc(parameterNames(sentQuery), func(name string) bool { return name == "apikey" || name == "" })
	left := slices.DeleteFunc(parameterNames(query), func(name string) bool { return name == "" })
	if !slices.Equal(others, left) {
		t.Errorf("%q became %q: other parameters were lost", sent, target)
	}
}

// parameterNames are the names by which any backend could read a query.
func parameterNames(query string) []string {
	var names []string
	for _, part := range strings.FieldsFunc(query, func(c rune) bool { return c == '&' || c == ';' }) {
		name, _, _ := strings.Cut(part, "=")
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
		names = append(names, name)
	}
	return names
}

// respelled draws a spelling of a header's name.
func respelled(name string, otherSeparators bool) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		b := []byte(name)
		for i, c := range b {
			switch {
			case 'a' <= c && c <= 'z' && rapid.Bool().Draw(t, "upper"):
				b[i] = c - 'a' + 'A'
			case c == '-' && otherSeparators && rapid.Bool().Draw(t, "other"):
				b[i] = rapid.SampledFrom([]byte(separators)).Draw(t, "separator")
			}
		}
		return string(b)
	})
}

func forgedHeader() *rapid.Generator[abi.Header] {
	return rapid.Custom(func(t *rapid.T) abi.Header {
		name := rapid.SampledFrom([]string{"x-sallyport-app", "x-sallyport-developer", "x-sallyport-product", "x-sallyport-subject",
			"x-sallyport-client-id", "x-sallyport-scopes", "x-sallyport-reason", "x-sallyport-", "x-sallyport-new-one", "x-user"}).Draw(t, "name")
		value := rapid.SampledFrom([]string{"admin", "", "portal-app", "admin, jane", "\xff"}).Draw(t, "value")
		return abi.Header{Name: respelled(name, true).Draw(t, "spelling"), Value: value}
	})
}

// parameter draws a query parameter with what separates it from the next.
func parameter() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		separator := rapid.SampledFrom([]string{"&", "&", "&&", ";", ";;", "&;"}).Draw(t, "separator")
		if rapid.IntRange(0, 3).Draw(t, "other") > 0 {
			return rapid.SampledFrom([]string{"a=1", "b", "=", "c=%zz", "apikeys=2", "my-apikey=3", "APIKEY=4", "d=+%20", "%61=5"}).Draw(t, "other") + separator
		}
		var name strings.Builder
		for _, c := range []byte("apikey") {
			name.WriteString(rapid.SampledFrom([]string{string(c), url.QueryEscape(string(c)), "%" + strings.ToUpper(hexOf(c)), "%" + hexOf(c)}).Draw(t, "letter"))
		}
		return name.String() + "=" + goodKey + separator
	})
}

func hexOf(c byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[c>>4], digits[c&15]})
}

package main_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sallyport-gateway/sallyport/hostsim"
)

// identity is what the backend must be told of request("...") and of no forgery, by a header's folded name.
var identity = map[string]string{
	"x-sallyport-app": "portal-app", "x-sallyport-developer": "dev@example.com", "x-sallyport-product": "portal",
	"x-sallyport-client-id": "portal", "x-sallyport-scopes": "openid customers.read",
	"x-user": "jane", // subject, under a name of the operator's
}

// folded is how a backend behind CGI or WSGI reads a header's name.
func folded(name string) string { return strings.ReplaceAll(strings.ToLower(name), "_", "-") }

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

func drawRequest(t *rapid.T) hostsim.Request {
	r := hostsim.Request{
		Path: "/customers/v1/orders/7", Authority: "api.example.com",
		Headers: append(rapid.SliceOfN(forgedHeader(), 0, 8).Draw(t, "forged"), hostsim.Header{Name: "authorization", Value: "Bearer token-of-jane"}),
	}
	if rapid.Bool().Draw(t, "key in a header") {
		at := rapid.IntRange(0, len(r.Headers)).Draw(t, "place")
		r.Headers = slices.Insert(r.Headers, at, hostsim.Header{Name: respelled("x-api-key", false).Draw(t, "key header"), Value: goodKey})
	}
	if parts := rapid.SliceOfN(parameter(), 0, 6).Draw(t, "query"); len(parts) > 0 {
		r.Path += "?" + strings.Join(parts, "")
	}
	return r
}

func wantOwnIdentity(t *rapid.T, seen hostsim.Headers) {
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

func wantNoKey(t *rapid.T, seen hostsim.Headers, sent string) {
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
func respelled(name string, underscores bool) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		b := []byte(name)
		for i, c := range b {
			switch {
			case 'a' <= c && c <= 'z' && rapid.Bool().Draw(t, "upper"):
				b[i] = c - 'a' + 'A'
			case c == '-' && underscores && rapid.Bool().Draw(t, "underscore"):
				b[i] = '_'
			}
		}
		return string(b)
	})
}

func forgedHeader() *rapid.Generator[hostsim.Header] {
	return rapid.Custom(func(t *rapid.T) hostsim.Header {
		name := rapid.SampledFrom([]string{"x-sallyport-app", "x-sallyport-developer", "x-sallyport-product", "x-sallyport-subject",
			"x-sallyport-client-id", "x-sallyport-scopes", "x-sallyport-reason", "x-sallyport-", "x-sallyport-new-one", "x-user"}).Draw(t, "name")
		value := rapid.SampledFrom([]string{"admin", "", "portal-app", "admin, jane", "\xff"}).Draw(t, "value")
		return hostsim.Header{Name: respelled(name, true).Draw(t, "spelling"), Value: value}
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

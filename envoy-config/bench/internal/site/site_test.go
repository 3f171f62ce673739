package site

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/load"
)

func TestRequestHasEightHeaders(t *testing.T) {
	r := Request(Key(0), "token")
	if len(r.Headers) != 8 {
		t.Errorf("%d headers", len(r.Headers))
	}
	if got := WithHeaders(r, 40); len(got.Headers) != 40 || len(r.Headers) != 8 {
		t.Errorf("%d headers of 40, and %d before", len(got.Headers), len(r.Headers))
	}
	if got := Without(r, "X-API-Key"); len(got.Headers) != 7 || slices.ContainsFunc(got.Headers, func(h load.Header) bool { return h.Name == keyHeader }) {
		t.Errorf("%v", got.Headers)
	}
}

func TestManyTokensAreAsLongAsOne(t *testing.T) {
	c, err := NewCaller()
	if err != nil {
		t.Fatal(err)
	}
	if got := c.ManyTokens(); len(got) != len(c.Token) || strings.Count(got, load.Mark) != 1 {
		t.Errorf("%d bytes, want %d: %s", len(got), len(c.Token), got)
	}
	var claims struct {
		Active bool
		Iss    string
	}
	if err := json.Unmarshal(c.Claims, &claims); err != nil || !claims.Active || claims.Iss != issuer {
		t.Errorf("%s, %v", c.Claims, err)
	}
}

func TestDocument(t *testing.T) {
	text, err := policy{apis: 3, apps: 20, sequence: whole(spikeArrest, introspect(nil))}.document()
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		APIs     []struct{ Name string }
		Apps     []struct{ Keys []struct{ SHA256 string } }
		Sequence []map[string]any
	}
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	if len(d.APIs) != 3 || d.APIs[1].Name != "customers" || len(d.Apps) != 20 || len(d.Sequence) != 5 {
		t.Errorf("%.400s", text)
	}
	if d.Apps[0].Keys[0].SHA256 == d.Apps[1].Keys[0].SHA256 || d.Apps[0].Keys[0].SHA256 != digest("bench-key-0000000") {
		t.Errorf("keys %q and %q", d.Apps[0].Keys[0].SHA256, d.Apps[1].Keys[0].SHA256)
	}
	if strings.Contains(text, Key(0)) {
		t.Error("a key stands in the configuration")
	}
}

func TestUnknownListener(t *testing.T) {
	if l, err := listeners(&Caller{}, Modules{}, []string{None, "nonsense"}); err == nil {
		t.Errorf("got %v", l)
	}
}

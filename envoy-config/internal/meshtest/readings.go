package meshtest

import (
	"regexp"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/envoy-config/internal/readingstest"
)

// public is the path that the shipped manifests serve without the filter.
const public = "/public"

// PlayReadings sends every spelling of the API's path without a key, and checks how each backend would read what
// arrives: every reading must be public. leaks means that the manifests are as they once were, when some were not.
func PlayReadings(t *testing.T, s *Site, c *Client, leaks bool) {
	t.Helper()
	s.Take()
	targets, answered := readingstest.Spellings(public, Order), map[int]int{}
	for _, target := range targets {
		status, err := c.Raw(t.Context(), target)
		if err != nil {
			t.Fatalf("send %s: %v", target, err)
		}
		answered[status]++
	}
	seen, guarded := s.Take(), 0
	for _, r := range seen {
		for _, b := range readingstest.Backends {
			if read := b.Read(r.Target); read != "" && !readingstest.Below(read, public) {
				guarded++
				if !leaks {
					t.Errorf("%s serves %s to a caller without a key: the backend got %s", b.Name, read, r.Target)
				}
			}
		}
	}
	t.Logf("%d spellings, answers by status %v; %d seen by the backend, %d of them guarded", len(targets), answered, len(seen), guarded)
	if leaks && guarded == 0 {
		t.Error("nothing got through: this cannot show what the shipped manifests withstand")
	}
	for _, target := range []string{public, public + "/", public + "/a-b_c~d/v1.0/E?x=%2e;"} {
		if _, err := c.Raw(t.Context(), target); err != nil {
			t.Errorf("send %s: %v", target, err)
		}
		if got := s.Take(); !leaks && (len(got) != 1 || got[0].Target != target) {
			t.Errorf("of the public %s the backend saw %v", target, got)
		}
	}
}

// ours matches the names from which CGI, WSGI and PHP make the variable of an identity header.
var ours = regexp.MustCompile("(?i)^x[^0-9a-z]sallyport")

// PlayForged sends identity headers with every separator, and the key, to the public route: none may reach the backend.
func PlayForged(t *testing.T, s *Site, c *Client, leaks bool) {
	t.Helper()
	s.Take()
	sent, arrived := 0, 0
	for _, a := range readingstest.Separators {
		headers := []string{"x-salary", "harmless", "x-api-key", s.Key}
		for _, b := range readingstest.Separators {
			if (a == '_' || b == '_') && a != b { // such a request may be refused as a whole
				continue
			}
			headers = append(headers, "X"+string(a)+"Sallyport"+string(b)+"subject", "forged", "x"+string(a)+"sallyport"+string(b)+"client-id", "forged")
		}
		sent += len(headers)/2 - 1
		if _, err := c.Raw(t.Context(), public+"/a", headers...); err != nil {
			t.Fatal(err)
		}
	}
	seen := s.Take()
	for _, r := range seen {
		for name := range r.Headers {
			if ours.MatchString(name) || strings.EqualFold(name, "x-api-key") {
				arrived++
				if !leaks {
					t.Errorf("the backend saw %s", name)
				}
			}
		}
		if r.Headers.Get("x-salary") == "" {
			t.Error("a header that is not ours was removed")
		}
	}
	t.Logf("%d headers sent, %d requests seen by the backend, %d headers arrived", sent, len(seen), arrived)
	if len(seen) < len(readingstest.Separators)-1 || leaks && arrived == 0 {
		t.Error("the backend saw too little: this cannot show anything")
	}
}

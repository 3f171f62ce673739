package main_test

import (
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim"
)

// TestPanic lets the guest panic at each point where an exchange can be: it refuses that one request, and harms no other.
// A trap would end the VM, and with hostsim's failure policy every later request would get the host's 503.
func TestPanic(t *testing.T) {
	for _, point := range []string{
		"headers", "headers nil",
		"apply spike_arrest", "apply verify_api_key nil", "apply remove_api_key", "apply introspect_token",
		"resume introspect_token", "resume introspect_token nil", // in the callout's callback
		"apply require_token", "apply require_token nil", // there too, when the token was not known
	} {
		t.Run(point, func(t *testing.T) {
			g := start(t, faultyModule(t), configuration(t, fullSequence))
			slow := active()
			slow.Delay = calloutEnd / 2
			g.okta.set(slow)
			bad := func(token string) *hostsim.Pending {
				r := request(token, "x-inject-panic", point, "content-type", "text/plain")
				r.Method, r.Body = "POST", []byte("a body")
				return g.begin(r)
			}
			var parked, doomed []*hostsim.Pending
			doomed = append(doomed, bad("first-asker")) // who makes the call that others wait for
			for _, token := range []string{"first-asker", "shared", "its-own", "shared"} {
				parked = append(parked, g.begin(request(token)))
			}
			doomed = append(doomed, bad("shared")) // who waits between others
			parked = append(parked, g.begin(request("shared")), g.begin(request("another")))

			for _, p := range doomed {
				g.ends("a request that panics", p, outcome{status: 500, reason: "internal.error"})
			}
			for _, p := range parked {
				g.ends("a request that was parked meanwhile", p, admitted)
			}
			if got := g.metric("sallyport_panics"); got != uint64(len(doomed)) {
				t.Errorf("%d panics counted, want %d", got, len(doomed))
			}
			if got := g.decisions("internal.error"); got != uint64(len(doomed)) {
				t.Errorf("%d refusals counted, want %d", got, len(doomed))
			}
			wantPanicLines(t, g, len(doomed))
			r, x := g.do(request("shared"))
			g.must("the next request", r, x, admitted)
		})
	}
}

// TestPanicWhileParkedIsReadByPages: the refusal of a request that waited keeps
// the shape that the sequence has for it, as it still needs the request's headers.
func TestPanicWhileParkedIsReadByPages(t *testing.T) {
	const page = "https://app.example.com"
	g := start(t, faultyModule(t), configuration(t, "\n- cors: {allow_origins: [\""+page+"\"]}"+fullSequence))
	for _, point := range []string{"apply introspect_token", "resume introspect_token"} {
		r, x := g.do(request("token", "x-inject-panic", point, "origin", page))
		g.must(point, r, x, outcome{status: 500, reason: "internal.error"})
		if got, _ := r.Headers.Get("access-control-allow-origin"); got != page {
			t.Errorf("%s: access-control-allow-origin is %q, want %q", point, got, page)
		}
	}
}

// wantPanicLines: the operator reads of each panic once, and not what it carried; nothing trapped.
func wantPanicLines(t *testing.T, g *gateway, want int) {
	t.Helper()
	lines := 0
	for _, l := range g.Log() {
		if strings.Contains(l.Message, "recovered a panic") {
			lines++
		}
		if strings.Contains(l.Message, "secret-value") || l.Host {
			t.Errorf("log line %q", l.Message)
		}
	}
	if lines != want {
		t.Errorf("%d lines tell of panics, want %d:\n%s", lines, want, g.logText())
	}
}

// TestPanicIsNotForSale: in the module that is shipped, nobody can ask for a panic.
func TestPanicIsNotForSale(t *testing.T) {
	g := start(t, module(t), configuration(t, fullSequence))
	for _, point := range []string{"headers", "apply verify_api_key", "resume introspect_token nil"} {
		r, x := g.do(request("token", "x-inject-panic", point))
		g.must(point, r, x, admitted)
	}
	if got := g.metric("sallyport_panics"); got != 0 {
		t.Errorf("%d panics", got)
	}
}

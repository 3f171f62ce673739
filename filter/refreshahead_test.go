package main_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// TestRefreshAheadAsksAboutTheToken: the call that nobody waits for, and its second attempt, are about the token that was
// used, although the request that had it is gone and others have come in its place.
func TestRefreshAheadAsksAboutTheToken(t *testing.T) {
	sequence := strings.Replace(fullSequence, "{cluster: okta,", "{cache: {max_ttl: 10s, refresh_ahead: 5s}, cluster: okta,", 1)
	g := start(t, poisonedModule(t), configuration(t, sequence))
	var asked []string
	g.okta.mu.Lock()
	g.okta.answer = func(c upstream.Call) upstream.Answer {
		asked = append(asked, string(c.Body))
		if len(asked) == 2 {
			lost := upstream.Fail(upstream.FaultRefuse)
			lost.Delay = calloutEnd / 10
			return lost
		}
		return active()
	}
	g.okta.mu.Unlock()
	for range 3 {
		r, x := g.do(request("token-of-jane"))
		g.must("a first use", r, x, admitted)
	}
	g.Advance(6 * time.Second)
	r, x := g.do(request("token-of-jane"))
	g.must("shortly before the end", r, x, admitted)
	denied := request("some-other-token")
	denied.Headers[0].Value = "key-of-nobody-in-particular"
	g.do(denied)
	g.Advance(time.Second)
	about := "token=token-of-jane&token_type_hint=access_token"
	if want := []string{about, about, about}; !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
	g.Advance(4 * time.Second)
	r, x = g.do(request("token-of-jane"))
	g.must("after the end of the first answer", r, x, admitted)
	if len(asked) != 3 {
		t.Errorf("the renewed answer was not used: %d calls", len(asked))
	}
}

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// TestOktaOutageOfBudget: the authorization server answers 429 and says until when. No worker calls it before that;
// then calls start again one by one.
func TestOktaOutageOfBudget(t *testing.T) {
	t.Parallel()
	const limit = 2 * time.Second
	r := &outageRun{t: t, site: newOutageSite(t), option: `, stale_if_error: 5m`}
	r.start()
	r.during(outageFresh+outageFresh/2, nil)
	log, mark := r.site.envoy.Log(), 0
	up := r.during(outageFresh, func() (int, int) {
		mark = log.Len()
		return r.okta.limit(limit)
	})
	begun := time.Now()
	if _, err := log.Wait(t.Context(), mark, func(l envoyrun.Line) bool { return strings.Contains(l.Text, "limits the calls") }); err != nil {
		t.Fatal(err)
	}
	told := time.Since(begun)
	until := func(at time.Duration) phase { return r.during(time.Until(begun.Add(at)), nil) }
	first := until(500 * time.Millisecond)
	held := until(limit - 500*time.Millisecond)
	coming := until(limit + 1500*time.Millisecond) // the reset is in whole seconds
	back := r.during(outageFresh, nil)
	close(r.stop)
	r.running.Wait()

	t.Logf("up %v\nuntil all were held %v, told after %v\nheld %v\ncoming %v\nafter %v\ncalls by the second %s", up, first, told.Round(time.Millisecond), held, coming, back, r.okta.perSecond())
	if bound := up.most + 1 + up.callsIn(told); first.calls == 0 || first.calls > bound {
		t.Errorf("%d calls were answered 429, want those that were in the air, %d at most", first.calls, bound)
	}
	if held.calls != 0 {
		t.Errorf("%d calls before the limit ended, want 0", held.calls)
	}
	if coming.calls == 0 || coming.most > max(up.most, outageTokens/2) {
		t.Errorf("%d calls after the limit, %d at once", coming.calls, coming.most)
	}
	wantTally(t, "while held", held.answers, "200", "503 bad")
	wantTally(t, "after", back.answers, "200", "401 bad")
	if n := r.site.metric("sallyport_introspection_budget_limit.sp_cluster=okta|"); n != 1200 {
		t.Errorf("the budget's limit is %d, want 1200", n)
	}
}

// TestOktaOutageCap: so many calls are in the air and no more, of both workers together.
func TestOktaOutageCap(t *testing.T) {
	const places, requests = 8, 60
	okta := newFrailOkta(t, 500*time.Millisecond)
	s := newSite(t, siteOptions{Module: wasmbuild.Package(t, "./filter"), Concurrency: 2, Shared: true})
	s.clustersAt(okta.address())
	s.serve(plan{name: "gw", config: policies(t, fmt.Sprintf(`
- introspect_token: {cluster: okta, authority: dev.okta.com, path: /v1/introspect, client_id: gw, client_secret: {env: OKTA_CLIENT_SECRET}, timeout: 5s, max_in_flight: %d}
`, places)), change: balanced})
	all := make([]*pending, requests)
	for i := range all {
		all[i] = s.begin("gw", request(fmt.Sprintf("cold-%d", i)))
	}
	passed := 0
	for _, p := range all {
		<-p.ended
		if p.err != nil {
			t.Fatal(p.err)
		}
		switch got := (outcome{p.got.Status, scenario.HeaderValue(p.got.Headers, "x-sallyport-reason")}); {
		case got == admitted:
			passed++
		case got != outcome{503, "introspection.overloaded"} || scenario.HeaderValue(p.got.Headers, "retry-after") != "1":
			t.Errorf("got %+v with retry-after %q", got, scenario.HeaderValue(p.got.Headers, "retry-after"))
		}
	}
	calls, most := okta.mark()
	t.Logf("%d requests with a token each: %d calls, %d at once, %d passed", requests, calls, most, passed)
	if most != places || passed != calls || passed >= requests {
		t.Errorf("%d calls at once, want %d; %d of %d passed", most, places, passed, calls)
	}
	s.do("one later", "gw", request("later"), admitted)
}

// balanced gives each worker the same number of connections.
func balanced(listener, _, _ map[string]any) {
	listener["connection_balance_config"] = map[string]any{"exact_balance": map[string]any{}}
}

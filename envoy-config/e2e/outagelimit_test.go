package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// TestOktaOutageOfBudget: the authorization server answers 429 and says until when. No worker calls it before that;
// then calls start again one by one.
func TestOktaOutageOfBudget(t *testing.T) {
	const limit = 2 * time.Second
	r := &outageRun{t: t, site: newSite(t, siteOptions{Module: wasmbuild.Package(t, "./filter"), Concurrency: 2}), listener: "gw", option: `, stale_if_error: 5m`}
	r.start()
	time.Sleep(outageFresh + outageFresh/2)
	r.take()
	r.okta.mark()
	time.Sleep(outageFresh)
	before, most := r.okta.mark()

	r.okta.limit(limit)
	time.Sleep(500 * time.Millisecond)
	first, _ := r.okta.mark()
	r.take()
	time.Sleep(limit - time.Second)
	held, _ := r.okta.mark()
	without := r.take()
	time.Sleep(2 * time.Second) // the reset is in whole seconds
	coming, mostComing := r.okta.mark()
	r.take()
	time.Sleep(outageFresh)
	back := r.take()
	close(r.stop)
	r.running.Wait()

	t.Logf("calls: %d in %v before, at most %d at once; %d until all were held, %d in %v held, %d in 2s after, at most %d at once; by the second %s",
		before, outageFresh, most, first, held, limit-time.Second, coming, mostComing, r.okta.perSecond())
	t.Logf("requests while held %v, after %v", without, back)
	if first == 0 || first > most {
		t.Errorf("%d calls were answered 429, want those that were in the air, %d at most", first, most)
	}
	if held != 0 {
		t.Errorf("%d calls before the limit ended, want 0", held)
	}
	if coming == 0 || mostComing > max(most, outageTokens/2) {
		t.Errorf("%d calls after the limit, %d at once", coming, mostComing)
	}
	wantTally(t, "while held", without, "200", "503 bad")
	wantTally(t, "after", back, "200", "401 bad")
	if n := r.site.metric("sallyport_introspection_budget_limit.sp_cluster=okta|"); n != 1200 {
		t.Errorf("the budget's limit is %d, want 1200", n)
	}
}

// TestOktaOutageCap: so many calls are in the air and no more, of both workers together.
func TestOktaOutageCap(t *testing.T) {
	const places, requests = 8, 60
	okta := newFrailOkta(t, 500*time.Millisecond)
	s := newSite(t, siteOptions{Module: wasmbuild.Package(t, "./filter"), Concurrency: 2})
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

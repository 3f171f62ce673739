package e2e

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// TestTrap walks into what was seen to go wrong with filters on real Envoys, each in a subtest. All of them share one
// Envoy, and none of them may harm its VMs.
func TestTrap(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{Module: wasmbuild.Package(t, "./filter")})
	s.serve(plan{name: "gw", config: policies(t, fullSequence)})
	s.do("before", "gw", request("before"), admitted)
	s.settled()
	for _, c := range []struct {
		name string
		run  func(*site)
	}{
		{"a body does not resume a parked request", bodyHold},
		{"a client leaves while parked", clientLeaves},
		{"an update while parked", updateWhileParked},
		{"an update drains a parked request", updateDrainsParked},
		{"a refused update keeps the old configuration", refusedUpdate},
		{"an earlier filter refuses", earlierFilterRefuses},
		{"a later filter refuses", laterFilterRefuses},
		{"two configurations in one VM", twoInOneVM},
		{"two instances in one chain", twoInOneChain},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.on(t)
			c.run(s)
			s.do("afterwards", "gw", request("afterwards"), admitted)
			s.settled()
		})
	}
	s.wantUnharmed()
}

// trapLine is what Envoy logs of a call into a VM that trapped.
const trapLine = "failed: Uncaught"

// wantUnharmed: no VM trapped and none was made again; no panic needed to be recovered.
func (s *site) wantUnharmed() {
	s.t.Helper()
	for name, value := range s.reported() {
		if value != 0 && (strings.Contains(name, ".vm_reload") || strings.HasPrefix(name, "wasmcustom.sallyport_panics")) {
			s.t.Errorf("%s is %d", name, value)
		}
	}
	if err := s.envoy.Log().Sync(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	for _, l := range s.envoy.Log().Since(0) {
		if strings.Contains(l.Text, trapLine) {
			s.t.Errorf("log line %s", l)
		}
	}
}

// headersStop is the option that lets a filter stop at the headers alone: the body goes on without being asked.
func headersStop(_, _, plugin map[string]any) { plugin["allow_on_headers_stop_iteration"] = true }

func bodyHold(s *site) {
	const received = "http.gwbody.downstream_cx_rx_bytes_total"
	s.serve(plan{name: "gwbody", config: policies(s.t, fullSequence), change: headersStop})
	for _, c := range []struct {
		token string
		want  outcome
	}{{inactivePrefix + "body", inactive}, {"active-body", admitted}} {
		for _, body := range []string{"abc", strings.Repeat("x", 20_000)} { // below the listener's limit
			token := fmt.Sprintf("%s-%d", c.token, len(body))
			before := s.stats()[received]
			p, letGo := s.parked("gwbody", post(request(token), body))
			s.until("envoy has the body", func(now envoyrun.Stats) bool { return now.Number[received] >= before+uint64(p.size) })
			s.nothingUpstream("while it is parked", p)
			letGo()
			s.ends("a request with a body", p, c.want)
			for _, seen := range s.settled() {
				if string(seen.Body) != body {
					s.t.Errorf("the backend saw %d bytes of the body, want %d", len(seen.Body), len(body))
				}
			}
		}
	}
	s.t.Run("the trap is there", func(t *testing.T) {
		s := s.on(t)
		s.serve(plan{
			name: "gwbodyless", module: wasmbuild.Package(t, "./hostsim/testdata/guests/scripted"), change: headersStop,
			config: []byte("request_headers: call okta 10000 token=" + inactivePrefix + "trap; pause\nhttp_call_response: effective; reply 403 - no"),
		})
		r := post(request("unused"), "abc")
		r.Headers = r.Headers[:1] // no key
		token := inactivePrefix + "trap"
		letGo := s.authority.hold(token)
		p := s.begin("gwbodyless", r)
		s.ends("a filter that holds no body back, before it has decided", p, admitted)
		letGo()
		s.settled()
	})
}

// nothingUpstream checks that Envoy has not begun a request to the backend, although the whole of p was sent.
func (s *site) nothingUpstream(when string, p *pending) {
	s.t.Helper()
	select {
	case <-p.ended:
		s.t.Errorf("%s: the request has ended, with status %d", when, p.got.Status)
	default:
	}
	if n := s.stats()["cluster.backend.upstream_rq_active"]; n != 0 {
		s.t.Errorf("%s: %d requests to the backend", when, n)
	}
}

func clientLeaves(s *site) {
	abandoned := s.metric("sallyport_abandoned")
	gone, letGo := s.parked("gw", request("client-leaves"))
	stays, letGoOther := s.parked("gw", request("client-stays"))
	shares := s.begin("gw", post(request("client-leaves"), "waits for the same answer"))
	s.until("the second request has come", func(now envoyrun.Stats) bool { return now.Number["http.gw.downstream_rq_active"] == 3 })
	gone.leave()
	<-gone.ended
	s.until("the filter has forgotten the stream", func(now envoyrun.Stats) bool {
		return now.Number[metricPrefix+"sallyport_abandoned"] == abandoned+1 && now.Number["http.gw.downstream_rq_active"] == 2
	})
	s.do("the next request", "gw", request("after-leaving"), admitted)
	letGo()
	s.ends("a request that waits for the same answer", shares, admitted)
	letGoOther()
	s.ends("another parked request", stays, admitted)
	s.settled()
	if n := s.authority.asked("client-leaves"); n != 1 {
		s.t.Errorf("the authority was asked %d times, want once: the call goes on without its first asker", n)
	}
}

// rbac is Envoy's own filter, made to refuse what has the header x-blocked.
func rbac() any {
	return map[string]any{
		"name": "envoy.filters.http.rbac",
		"typed_config": map[string]any{
			"@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
			"rules": map[string]any{"action": "DENY", "policies": map[string]any{"blocked": map[string]any{
				"permissions": []any{map[string]any{"any": true}},
				"principals":  []any{map[string]any{"header": map[string]any{"name": "x-blocked", "present_match": true}}},
			}}},
		},
	}
}

func earlierFilterRefuses(s *site) {
	s.serve(plan{name: "gwearly", config: policies(s.t, fullSequence), change: func(_, manager, _ map[string]any) {
		manager["http_filters"] = append([]any{rbac()}, manager["http_filters"].([]any)...)
	}})
	before := s.decisions()
	parked, letGo := s.parked("gwearly", request("parked-beside-blocked"))
	const blocked = 20
	for i := range blocked {
		r := request(fmt.Sprintf("blocked-%d", i), "x-blocked", "1")
		if i%2 == 1 {
			r = post(r, "a body")
		}
		s.do("a request that is blocked", "gwearly", r, outcome{status: 403})
	}
	s.until("the blocked requests are gone", func(now envoyrun.Stats) bool { return now.Number["http.gwearly.downstream_rq_active"] == 1 })
	if now := s.decisions(); !maps.Equal(now, before) {
		s.t.Errorf("counted %v, before %v: the filter did not decide on blocked requests", now, before)
	}
	letGo()
	s.ends("parked beside blocked requests", parked, admitted)
	s.do("the next request", "gwearly", request("after-blocked"), admitted)
}

// decisions are the filter's counters, with all that its VMs counted.
func (s *site) decisions() map[string]uint64 {
	all := s.reported()
	maps.DeleteFunc(all, func(name string, _ uint64) bool {
		return !isDecision(name)
	})
	return all
}

// isDecision: each request that came to the filter is in one of these counters.
func isDecision(name string) bool {
	return strings.HasPrefix(name, metricPrefix+"sallyport_decisions") || strings.HasPrefix(name, metricPrefix+"sallyport_abandoned")
}

func laterFilterRefuses(s *site) {
	s.serve(plan{name: "gwlate", config: policies(s.t, fullSequence), change: func(_, manager, _ map[string]any) {
		chain := manager["http_filters"].([]any)
		manager["http_filters"] = []any{chain[0], rbac(), chain[1]}
	}})
	p, letGo := s.parked("gwlate", request("blocked-late", "x-blocked", "1"))
	letGo()
	s.ends("a request that is blocked after it was parked", p, outcome{status: 403})
	s.do("refused before it could be blocked", "gwlate", request(inactivePrefix+"late", "x-blocked", "1"), inactive)
	s.do("the next request", "gwlate", request("after-late"), admitted)
}

func twoInOneVM(s *site) {
	active := func() uint64 { return s.stats()["wasm.envoy.wasm.runtime.v8.active"] }
	none := active()
	s.serve(plan{name: "gwfirst", vm: "shared", config: policies(s.t, wrongAudience)})
	one := active()
	s.serve(plan{name: "gwsecond", vm: "shared", config: policies(s.t, keyAlone)})
	two := active()
	s.t.Logf("VMs: %d, with the first configuration %d, with the second %d", none, one, two)
	if one <= none || two != one {
		s.t.Errorf("%d, %d, then %d VMs: the second configuration is not in the VM of the first", none, one, two)
	}
	p, letGo := s.parked("gwfirst", request("first"))
	s.do("second, while the first has a parked request", "gwsecond", request("second"), admitted)
	letGo()
	s.ends("parked, by the first configuration", p, audienceDenied)
	p, letGo = s.parked("gwfirst", request("first-again"))
	s.withdraw("gwsecond")
	letGo()
	s.ends("parked while the second configuration was deleted", p, audienceDenied)
	s.do("the next request", "gwfirst", request("first-next"), audienceDenied)
}

// twoInOneChain: each stream has a context of each instance, and both run in the same VM.
func twoInOneChain(s *site) {
	second := s.listener(plan{name: "gwinner", vm: "chain", config: policies(s.t, strings.Join(strings.Split(fullSequence, "\n")[4:], "\n"))})
	s.serve(plan{name: "gwchain", vm: "chain", config: policies(s.t, keyAlone), change: func(_, manager, _ map[string]any) {
		inner := member(second, "filter_chains", 0, "filters", 0, "typed_config", "http_filters", 0).(map[string]any)
		inner["name"] = "inner"
		chain := manager["http_filters"].([]any)
		manager["http_filters"] = []any{chain[0], inner, chain[1]}
	}})
	admittedParked, letGo := s.parked("gwchain", post(request("chain"), "a body"))
	deniedParked, letGoDenied := s.parked("gwchain", post(request(inactivePrefix+"chain"), "a body"))
	keyless := request("chain-keyless")
	keyless.Headers = append(keyless.Headers[:1:1], keyless.Headers[2:]...)
	s.do("refused by the first instance", "gwchain", keyless, outcome{status: 401, reason: "api_key.missing"})
	letGoDenied()
	s.ends("refused by the second", deniedParked, inactive)
	letGo()
	s.ends("admitted by both", admittedParked, admitted)
	if n := s.authority.asked("chain-keyless"); n != 0 {
		s.t.Errorf("the second instance asked for a token of a request that the first had refused")
	}
}

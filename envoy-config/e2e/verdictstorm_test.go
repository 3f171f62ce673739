package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

const (
	stormSize = 1000
	// stormKeys is how many wait for one fetch of keys.
	stormKeys = 600
	// stormEnd is how long after the identity server's answer the last of those that wait for it may be answered. On a
	// machine that is busy with something else it is stormBusy times what as many requests take that wait for nothing.
	stormEnd  = 500 * time.Millisecond
	stormBusy = 3
	// stormTimeout is how long the filter waits for the identity server in the storm that gets no answer: all must have
	// come by then.
	stormTimeout = 4 * time.Second
)

var (
	keyUnknown = outcome{status: 401, reason: "token.key_unknown"}
	timedOut   = outcome{status: 503, reason: "introspection.timeout"}
)

// TestVerdictStorm: a thousand requests on two workers wait for one answer of the identity server, and get their
// verdicts with it. Envoy carries each verdict of a callback out one native stack level deeper, so that some 300 of
// them in one callback overflow V8's stack, and the VM is lost.
func TestVerdictStorm(t *testing.T) {
	s := newCrowdedSite(t, wasmbuild.Package(t, "./filter"), stormSize)
	okta := newIssuer(t, "k1")
	s.authority.keySet = okta.keySet
	for i, c := range []struct {
		name string
		run  func(s *site, listener string) storm
	}{
		{"refused", func(s *site, listener string) storm {
			s.serveCrowd(listener, fullSequence, nil)
			return s.storm(listener, inactivePrefix+"storm", stormSize, inactive)
		}},
		{"timed out", func(s *site, listener string) storm {
			s.serveCrowd(listener, strings.Replace(fullSequence, "timeout: 10s", "timeout: "+stormTimeout.String(), 1), nil)
			return s.stormWithoutAnswer(listener, "nobody-answers", stormSize, timedOut)
		}},
		{"admitted to a direct_response", func(s *site, listener string) storm {
			s.serveCrowd(listener, fullSequence, answerDirectly)
			return s.storm(listener, "storm-direct", stormSize, admitted)
		}},
		{"admitted to a cluster", func(s *site, listener string) storm {
			s.serveCrowd(listener, fullSequence, nil)
			return s.storm(listener, "storm", stormSize, admitted)
		}},
		{"a JWT's key is unknown", func(s *site, listener string) storm {
			s.serveCrowd(listener, prechecked, nil)
			for range 16 { // both workers have the keys
				s.do("a good token", listener, request(okta.token(s.t, "k1", "jane")), admitted)
			}
			return s.storm(listener, okta.token(s.t, "k2", "jane"), stormKeys, keyUnknown)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.on(t)
			mark := s.envoy.Log().Len()
			listener := fmt.Sprintf("gwstorm%d", i)
			got := c.run(s, listener)
			traps, rebuilt := s.losses(listener, mark)
			t.Logf("%s; %d traps, %d VMs made again", got, traps, rebuilt)
			if traps+rebuilt != 0 {
				t.Error("a VM was lost")
			}
			if got.right != got.size {
				t.Errorf("%d of %d were answered as they should be; outcomes %v", got.right, got.size, got.outcomes)
			}
			if most := max(stormEnd, stormBusy*got.calm); got.last > most {
				t.Errorf("the last one was answered %v after the identity server's answer, want %v at most", got.last, most)
			}
		})
	}
	s.wantUnharmed()
}

// answerDirectly lets Envoy answer in the backend's place.
func answerDirectly(_, manager, _ map[string]any) {
	route := member(manager, "route_config", "virtual_hosts", 0, "routes", 0).(map[string]any)
	delete(route, "route")
	route["direct_response"] = map[string]any{"status": 200}
}

// storm is how requests ended that waited for one answer.
type storm struct {
	size, right int
	half, last  time.Duration // after the identity server's answer
	calm        time.Duration // for as many requests that wait for nothing
	outcomes    map[outcome]int
}

func (o storm) String() string {
	return fmt.Sprintf("%d of %d answered as they should be; half of them %v, the last one %v after the identity server's answer (as many that wait for nothing take %v)",
		o.right, o.size, o.half.Round(time.Millisecond), o.last.Round(time.Millisecond), o.calm.Round(time.Millisecond))
}

// storm has n requests wait for what the identity server says of a token, and lets it answer.
func (s *site) storm(listener, token string, n int, want outcome) storm {
	s.t.Helper()
	letGo := s.authority.hold(token)
	letGoKeys := s.authority.hold(keysPath)
	defer letGoKeys()
	h := s.gatherAt(listener, n)
	calm := h.run(anonymous())
	for _, c := range h.clients {
		c.send(request(token))
	}
	s.parkedAt(listener, n)
	arrived := h.receiving()
	answered := time.Now()
	letGo()
	letGoKeys()
	return h.storm(s.t, arrived, answered, calm, want)
}

// stormWithoutAnswer is storm with an identity server that says nothing until the filter gives up. That is what counts
// as its answer.
func (s *site) stormWithoutAnswer(listener, token string, n int, want outcome) storm {
	s.t.Helper()
	defer s.authority.hold(token)()
	h := s.gatherAt(listener, n)
	calm := h.run(anonymous())
	begun := time.Now()
	for _, c := range h.clients {
		c.send(request(token))
	}
	s.parkedAt(listener, n)
	return h.storm(s.t, h.receiving(), begun.Add(stormTimeout), calm, want)
}

// anonymous is a request that is refused at once.
func anonymous() scenario.Request {
	r := request("none")
	r.Headers = r.Headers[:1] // no key, no token
	return r
}

func (s *site) parkedAt(listener string, n int) {
	s.t.Helper()
	s.until("all of them wait", func(now envoyrun.Stats) bool {
		return now.Number["http."+listener+".downstream_rq_active"] == uint64(n)
	})
}

// receiving begins to read all responses; the channel has the time of each that came.
func (h *herd) receiving() <-chan time.Time {
	arrived := make(chan time.Time, len(h.clients))
	var done sync.WaitGroup
	for _, c := range h.clients {
		done.Go(func() {
			if c.receive(); c.err == nil {
				arrived <- time.Now()
			}
		})
	}
	go func() { done.Wait(); close(arrived) }()
	return arrived
}

func (h *herd) storm(t *testing.T, arrived <-chan time.Time, answered time.Time, calm time.Duration, want outcome) storm {
	t.Helper()
	var times []time.Duration
	for at := range arrived {
		times = append(times, at.Sub(answered))
	}
	o := storm{size: len(h.clients), calm: calm, outcomes: h.outcomes(t)}
	o.right = o.outcomes[want]
	if len(times) > 0 {
		o.half, o.last = times[len(times)/2], times[len(times)-1]
	}
	return o
}

// losses are the traps that Envoy has logged since mark, and the VMs that it made again. It does that with the next
// request, so each worker gets one first.
func (s *site) losses(listener string, mark int) (traps, rebuilt int) {
	s.t.Helper()
	for _, c := range s.gatherAt(listener, 4).clients {
		c.send(anonymous())
		c.receive()
	}
	for name, value := range s.stats() {
		if strings.HasPrefix(name, "wasm."+listener+".vm_reload") {
			rebuilt += int(value)
		}
	}
	if err := s.envoy.Log().Sync(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	for _, l := range s.envoy.Log().Since(mark) {
		if strings.Contains(l.Text, trapLine) {
			traps++
		}
	}
	return traps, rebuilt
}

// newCrowdedSite has room in its clusters for that many requests, of which none may wait for anything but its verdict.
func newCrowdedSite(t *testing.T, module string, size int) *site {
	t.Helper()
	s := newSite(t, siteOptions{Module: module, Concurrency: 2})
	var clusters []any
	for kind, address := range map[string]string{"okta": s.authority.Listener.Addr().String(), "backend": s.backend.Address()} {
		cluster, err := cluster(kind, kind, address)
		if err != nil {
			t.Fatal(err)
		}
		cluster["connect_timeout"] = patience.String()
		cluster["circuit_breakers"] = map[string]any{"thresholds": []any{map[string]any{
			"max_connections": size, "max_pending_requests": size, "max_requests": size,
		}}}
		clusters = append(clusters, cluster)
	}
	if ok, err := s.envoy.OfferClusters(t.Context(), clusters); err != nil || !ok {
		t.Fatalf("envoy takes the clusters: %v, %v", ok, err)
	}
	return s
}

// serveCrowd serves a listener that gives each worker as many connections.
func (s *site) serveCrowd(listener, sequence string, change func(listener, manager, plugin map[string]any)) {
	s.t.Helper()
	s.serve(plan{name: listener, config: policies(s.t, sequence), change: func(listener, manager, plugin map[string]any) {
		listener["connection_balance_config"] = map[string]any{"exact_balance": map[string]any{}}
		if change != nil {
			change(listener, manager, plugin)
		}
	}})
}

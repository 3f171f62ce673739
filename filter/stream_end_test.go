package main_test

import (
	"maps"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/event"
)

// TestClientGoneWhileParked: the answer that comes later touches nobody who is gone, and serves all others who wait for
// the same call, whoever made it.
func TestClientGoneWhileParked(t *testing.T) {
	for _, tt := range []struct {
		name string
		gone int // which of the requests for one token leaves
	}{{"who made the call", 0}, {"who waits in the middle", 1}, {"who came last", 2}} {
		t.Run(tt.name, func(t *testing.T) {
			g := start(t, module(t), configuration(t, fullSequence))
			g.okta.set(slowly(active()))
			var all []*hostsim.Pending
			for range 3 {
				all = append(all, g.begin(request("token")))
			}
			g.Advance(calloutEnd / 4)
			gone := all[tt.gone]
			gone.Stream().ClientGone()
			for i, p := range all {
				if i != tt.gone {
					g.ends("who stayed", p, admitted)
				}
			}
			r, x, err := gone.Wait(t.Context())
			if err != nil || r.Status != 0 || x.Upstream != nil {
				t.Errorf("who left: %v, status %d, backend %v", err, r.Status, x.Upstream)
			}
			want := map[string]uint64{"sallyport_callouts": 1, "sallyport_abandoned": 1, "sallyport_decisions.sp_decision=allow|": 2, usageAllowed: 2}
			wantMetrics(t, g, want)
			after, x := g.do(request("token"))
			g.must("the next one", after, x, admitted)
			if len(x.Calls) != 0 {
				t.Error("the answer was not kept")
			}
		})
	}
	t.Run("everybody", func(t *testing.T) {
		g := start(t, module(t), configuration(t, fullSequence))
		g.okta.set(slowly(active()))
		for range 3 {
			p := g.begin(request("token"))
			defer func() {
				if r, x, err := p.Wait(t.Context()); err != nil || r.Status != 0 || x.Upstream != nil {
					t.Errorf("who left: %v, status %d, backend %v", err, r.Status, x.Upstream)
				}
			}()
			p.Stream().ClientGone()
		}
		g.Advance(time.Minute)
		wantMetrics(t, g, map[string]uint64{"sallyport_callouts": 1, "sallyport_abandoned": 3})
	})
}

// usageAllowed is the series of what the full sequence admits.
const usageAllowed = "sallyport_usage.sp_decision=allow|sp_app=portal-app|sp_product=portal|sp_api=customers|sp_version=v1|sp_class=2xx|"

// untold are the metrics that say how long something took, when it was, or what came of calls.
var untold = regexp.MustCompile(`^sallyport_(introspection_|added_us$|latency_ms\.|key_last_used_seconds\.)`)

// wantMetrics compares the counters of requests.
func wantMetrics(t *testing.T, g *gateway, want map[string]uint64) {
	t.Helper()
	got := g.metrics()
	maps.DeleteFunc(got, func(name string, _ uint64) bool { return untold.MatchString(name) })
	for name, value := range got {
		if want[name] != value {
			t.Errorf("metric %s is %d, want %d", name, value, want[name])
		}
	}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("metric %s is %d, want %d", name, got[name], value)
		}
	}
}

// TestRequestPhaseNeverRan: a request that a filter before ours or the codec refused is created, logged and deleted in
// the guest, and never asked about. It counts nothing and leaves nothing.
func TestRequestPhaseNeverRan(t *testing.T) {
	g := start(t, module(t), configuration(t, fullSequence))
	g.okta.set(slowly(active())) // to be parked still when the counters are reported
	parked := g.begin(request("token"))
	r := request("token")
	headers := append(abi.Headers{{Name: ":method", Value: "GET"}, {Name: ":path", Value: r.Path}, {Name: ":authority", Value: r.Authority}}, r.Headers...)
	for name, sent := range map[string]abi.Headers{"with headers": headers, "so malformed that it has none": nil} {
		s, err := g.NewStream(0, hostsim.StreamInfo{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.RejectEarlier(sent, 400, "refused earlier"); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var status string
		for {
			next, ok := s.Poll()
			if !ok {
				break
			}
			switch next.Kind {
			case event.ToClientHeaders:
				status, _ = next.Headers.Get(":status")
			case event.ToUpstreamHeaders:
				t.Errorf("%s: the backend saw it", name)
			}
		}
		if status != "400" {
			t.Errorf("%s: status %q, want the earlier filter's 400", name, status)
		}
	}
	wantMetrics(t, g, map[string]uint64{"sallyport_callouts": 1})
	if g.logText() != "" {
		t.Errorf("log:\n%s", g.logText())
	}
	g.ends("the request that was parked", parked, admitted)
}

// TestStreamsLeaveNothing: thousands of requests, however they end, do not make the VM grow.
func TestStreamsLeaveNothing(t *testing.T) {
	config := strings.Replace(string(configuration(t, fullSequence)), `"timeout":"1s"`, `"timeout":"1s","cache":"off"`, 1)
	g := start(t, module(t), []byte(config))
	padding := strings.Repeat("p", 8<<10)
	round := func(n int) {
		for i := range n {
			g.okta.set(slowly(active()))
			abandoned := g.begin(request("abandoned", "x-padding", padding))
			rejected, err := g.NewStream(0, hostsim.StreamInfo{})
			if err != nil {
				t.Fatal(err)
			}
			if err := rejected.RejectEarlier(nil, 400, "no"); err != nil {
				t.Fatal(err)
			}
			if i%4 == 0 {
				r, x := g.do(request("served", "x-padding", padding))
				g.must("served", r, x, admitted)
			}
			abandoned.Stream().ClientGone()
			denied := request("denied", "x-padding", padding)
			denied.Headers[0].Value = "key-of-nobody"
			g.do(denied)
		}
		g.Advance(time.Minute)
	}
	round(300)
	before := g.GuestMemory()
	round(2000)
	after := g.GuestMemory()
	t.Logf("memory by thread after 300 rounds %v, after 2,300 %v", before, after)
	if after[1] > before[1]+before[1]/4 {
		t.Errorf("memory grew from %d to %d", before[1], after[1])
	}
}

package main_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// otherIssuer is a configuration that differs from configuration(fullSequence) in the issuer alone.
func otherIssuer(t *testing.T) []byte {
	t.Helper()
	config := bytes.Replace(configuration(t, fullSequence), []byte(`"issuer":"https://dev.okta.com"`), []byte(`"issuer":"https://new.okta.com"`), 1)
	if bytes.Equal(config, configuration(t, fullSequence)) {
		t.Fatal("nothing was replaced")
	}
	return config
}

var wrongIssuer = outcome{status: 401, reason: "token.issuer_mismatch"}

// slowly is an answer that leaves time to do something else.
func slowly(a upstream.Answer) upstream.Answer {
	a.Delay = calloutEnd / 2
	return a
}

func (g *gateway) update(config []byte) {
	g.t.Helper()
	if err := g.UpdateConfig(config); err != nil {
		g.t.Fatalf("update the configuration: %v", err)
	}
}

// TestUpdateKeepsParkedRequestsOnTheirConfiguration: the new root context stands beside the old one in the same VM.
func TestUpdateKeepsParkedRequestsOnTheirConfiguration(t *testing.T) {
	g := start(t, module(t), configuration(t, fullSequence))
	g.okta.set(slowly(active()))
	before := []*hostsim.Pending{g.begin(request("token")), g.begin(request("token"))}
	g.update(otherIssuer(t))
	after := g.begin(request("token"))
	if got := len(g.Process().Calls()); got != 1 {
		t.Errorf("%d calls, want one for both configurations: they ask the same server as the same client", got)
	}
	for _, p := range before {
		g.ends("a request of the old configuration", p, admitted)
	}
	g.ends("a request of the new configuration", after, wrongIssuer)
	g.Drain()
	r, x := g.do(request("token"))
	g.must("a request when the old configuration is gone", r, x, wrongIssuer)
	if len(x.Calls) != 0 {
		t.Error("the new configuration forgot its cache when the old one went")
	}
}

// TestUpdateKeepsOldDeadlines: as long as the old configuration has requests, its ticks end them.
func TestUpdateKeepsOldDeadlines(t *testing.T) {
	g := start(t, module(t), configuration(t, fullSequence))
	g.okta.set(upstream.Fail(upstream.FaultNever))
	before := g.begin(request("token"))
	g.update(otherIssuer(t))
	after := g.begin(request("token"))
	for _, p := range []*hostsim.Pending{before, after} {
		x := g.ends("a request whose call is forgotten", p, outcome{status: 503, reason: "introspection.deadline"})
		if x.Elapsed > 2*calloutEnd {
			t.Errorf("ended after %v", x.Elapsed)
		}
	}
}

// TestUpdateCutsWhatIsLeft: when the host ends the old configuration, its parked requests and their calls go with it, and
// nothing else does.
func TestUpdateCutsWhatIsLeft(t *testing.T) {
	g := start(t, module(t), configuration(t, fullSequence))
	g.okta.set(slowly(active()))
	before := g.begin(request("token"))
	g.update(configuration(t, fullSequence))
	after := g.begin(request("token"))
	g.Drain()
	r, x, err := before.Wait(t.Context())
	if err != nil || !r.Reset || x.Upstream != nil {
		t.Errorf("the old request: %v, response %+v, backend %v; want a reset and nothing at the backend", err, r, x.Upstream)
	}
	g.ends("the new request", after, admitted)
	if strings.Contains(g.logText(), "panic") {
		t.Errorf("log:\n%s", g.logText())
	}
}

// TestUpdateKeepsSpikeCounters: a limit that the update leaves alone goes on counting; a changed one starts again.
func TestUpdateKeepsSpikeCounters(t *testing.T) {
	three := configuration(t, "- spike_arrest: {rate: 60pm, burst: 3}")
	g := start(t, module(t), three, hostsim.WithWorkers(2))
	passed := func() (n int) {
		for i := range 10 {
			if g.passes(i % 2) {
				n++
			}
		}
		return n
	}
	if got := passed(); got != 3 {
		t.Fatalf("%d of 10 admitted, want the burst of 3", got)
	}
	g.update(three)
	g.Drain()
	if got := passed(); got != 0 {
		t.Errorf("%d admitted after an update that changes nothing, want none", got)
	}
	g.Advance(2 * time.Second)
	if got := passed(); got != 2 {
		t.Errorf("%d admitted 2 s later, want 2", got)
	}
	g.update(configuration(t, "- spike_arrest: {rate: 60pm, burst: 4}"))
	if got := passed(); got != 4 {
		t.Errorf("%d admitted by a new limit, want its burst of 4", got)
	}
}

// TestUpdateRefused: a configuration that is refused changes nothing for anybody.
func TestUpdateRefused(t *testing.T) {
	g := start(t, module(t), configuration(t, fullSequence))
	g.okta.set(slowly(active()))
	parked := g.begin(request("token"))
	for _, bad := range []string{"", `{"version":1}`, `{"version":2,"apis":[]}`, strings.Replace(string(configuration(t, fullSequence)), "okta", "", 1)[:90]} {
		var refused *hostsim.ConfigError
		if err := g.UpdateConfig([]byte(bad)); !errors.As(err, &refused) {
			t.Errorf("configuration %.40q: %v, want that it is refused", bad, err)
			continue
		}
		if len(refused.Log) == 0 || !strings.HasPrefix(refused.Log[0].Message, "sallyport: config refused: ") {
			t.Errorf("configuration %.40q: log %v", bad, refused.Log)
		}
	}
	g.ends("the request that was parked", parked, admitted)
	r, x := g.do(request("token"))
	g.must("a new request", r, x, admitted)
	if len(x.Calls) != 0 {
		t.Error("the cache was lost")
	}
}

// TestConfigAbsent: nothing at all is refused with a line that says what to do.
func TestConfigAbsent(t *testing.T) {
	const empty = "sallyport: config refused: configuration is empty: give the filter its configuration as JSON"
	for name, option := range map[string]hostsim.Option{
		"no configuration": hostsim.WithName("plain"),
		"nil":              hostsim.WithConfig(nil),
		"0 bytes":          hostsim.WithConfig([]byte{}),
	} {
		_, err := module(t).New(t.Context(), option)
		var refused *hostsim.ConfigError
		if !errors.As(err, &refused) {
			t.Errorf("%s: %v, want that it is refused", name, err)
			continue
		}
		if len(refused.Log) != 1 || refused.Log[0].Message != empty {
			t.Errorf("%s: log %v", name, refused.Log)
		}
	}
}

// TestUpdateFreesOldState: whatever an old configuration had goes with it. Each of them takes megabytes here.
func TestUpdateFreesOldState(t *testing.T) {
	config := withKeys(string(configuration(t, fullSequence)), 100, 10)
	g := start(t, module(t), config)
	round := func() {
		g.okta.set(upstream.Fail(upstream.FaultNever))
		g.begin(request("left behind"))
		g.update(config)
		g.Drain()
	}
	for range 10 {
		round()
	}
	before := g.GuestMemory()
	for range 60 {
		round()
	}
	after := g.GuestMemory()
	t.Logf("memory by thread after 10 updates %v, after 70 %v", before, after)
	for i := range after {
		if after[i] > before[i]+before[i]/4 {
			t.Errorf("thread %d: memory grew from %d to %d", i, before[i], after[i])
		}
	}
}

// TestTwoPluginsInOneVM: two listeners with one vm_id share the VM and neither configuration nor calls.
func TestTwoPluginsInOneVM(t *testing.T) {
	p, err := hostsim.NewProcess(hostsim.WithCluster("okta", slowly(active())), hostsim.WithCluster("other", slowly(inactive())))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	listen := func(config []byte) *gateway {
		env := hostsim.WithEnv(map[string]string{"OKTA_CLIENT_SECRET": oktaSecret})
		h, err := p.NewHost(t.Context(), module(t), hostsim.WithConfig(config), env)
		if err != nil {
			t.Fatal(err)
		}
		return &gateway{Host: h, t: t}
	}
	first := listen(configuration(t, fullSequence))
	second := listen(bytes.Replace(configuration(t, fullSequence), []byte(`"cluster":"okta"`), []byte(`"cluster":"other"`), 1))
	one, two, three := first.begin(request("token")), second.begin(request("token")), first.begin(request("token"))
	first.ends("on the first listener", one, admitted)
	second.ends("on the second listener", two, outcome{status: 401, reason: "token.inactive"})
	first.ends("on the first listener again", three, admitted)
	if got := len(p.Calls()); got != 2 {
		t.Errorf("%d calls, want 2", got)
	}
}

package hostsim_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

const mebibyte = 1 << 20

// TestOutOfMemory: a guest that gets no more memory crashes as its runtime does, and FAIL_RELOAD brings a new VM, which
// is bound by the same limit.
func TestOutOfMemory(t *testing.T) {
	h := newHost(t, "@small request_headers: alloc 1; say fits\n@large request_headers: alloc 30",
		hostsim.WithFailurePolicy(hostsim.FailReload))
	now := h.GuestMemory()[1]
	h.SetMemoryLimit(now + 8*mebibyte)
	ask := func(size string) (hostsim.Response, hostsim.Exchange) {
		return do(t, h, hostsim.Request{Headers: abi.Headers{{Name: "x-script", Value: size}}})
	}
	r, _ := ask("small")
	wantStatus(t, r, 200)
	if got := h.GuestMemory()[1]; got > now+8*mebibyte {
		t.Errorf("%d bytes, limit %d", got, now+8*mebibyte)
	}
	r, e := ask("large")
	wantStatus(t, r, 503)
	if s := said(e.Log) + hostSaid(e.Log); !strings.Contains(s, "out of memory") || !strings.Contains(s, "proxy_on_request_headers failed") {
		t.Errorf("log:\n%s", s)
	}
	h.Advance(2 * time.Second)
	r, _ = ask("small")
	wantStatus(t, r, 200)
	h.SetMemoryLimit(0)
	r, _ = ask("large")
	wantStatus(t, r, 200)
}

func hostSaid(log []hostsim.LogLine) string {
	var b strings.Builder
	for _, l := range log {
		b.WriteString(l.Message + "\n")
	}
	return b.String()
}

// TestMemoryLimitAtStart: a module that begins with more is not loaded, and a guest whose start needs more is refused.
func TestMemoryLimitAtStart(t *testing.T) {
	_, err := scriptedModule(t).New(t.Context(), hostsim.WithMemoryLimit(64<<10))
	var refused *hostsim.ConfigError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "WithMemoryLimit allows 65536") {
		t.Errorf("error %v", err)
	}
	_, err = scriptedModule(t).New(t.Context(), hostsim.WithMemoryLimit(5*mebibyte), hostsim.WithConfig([]byte("configure: alloc 4")))
	if !errors.As(err, &refused) || !strings.Contains(hostSaid(refused.Log), "out of memory") {
		t.Errorf("error %v", err)
	}
}

// TestRestart: an Envoy that is killed and comes back. Nobody is told, nothing is remembered, all plugins start again.
func TestRestart(t *testing.T) {
	p, err := hostsim.NewProcess(hostsim.WithWorkers(2), hostsim.WithCluster("auth", upstream.Answer{Delay: time.Second}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	host := func(script string) *hostsim.Host {
		h, err := p.NewHost(t.Context(), scriptedModule(t), hostsim.WithConfig([]byte(script)))
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	first := host("configure: say old")
	second := host("configure: qregister q; metric m 0; tick 700\ntick: increment m 1\nhttp_call_response: say answer")
	const updated = "configure: say updated\n@wait request_headers: call auth 5000; pause\nrequest_headers: sdget k\n" +
		"http_call_response: say answer\nlog: say log\ndone: say done\ndelete: say delete"
	if err := first.UpdateConfig([]byte(updated)); err != nil {
		t.Fatal(err)
	}
	p.SetSharedData("", "k", []byte("v"))
	pending, err := first.Start(hostsim.Request{Worker: 1, Headers: abi.Headers{{Name: "x-script", Value: "wait"}}})
	if err != nil {
		t.Fatal(err)
	}
	p.Advance(800 * time.Millisecond)
	if p.Metric("m") == 0 {
		t.Fatal("no tick before the restart")
	}
	at, at2 := len(first.Log()), len(second.Log())

	if err := p.Restart(); err != nil {
		t.Fatal(err)
	}
	if _, ok := p.Queue("", "q"); !ok || p.Metric("m") != 0 || len(p.SharedData("")) != 0 {
		t.Errorf("queue %v, metric %d, data %v", ok, p.Metric("m"), p.SharedData(""))
	}
	r, _, err := pending.Wait(t.Context())
	if err != nil || !r.Reset || r.Status != 0 {
		t.Errorf("stream in flight: %+v, %v", r, err)
	}
	p.Advance(2 * time.Second) // the answer would have come
	log := said(first.Log()[at:])
	if strings.Count(log, "say updated") != 4 || strings.Contains(log, "say old") { // canary, main thread, two workers
		t.Errorf("starts:\n%s", log)
	}
	for _, never := range []string{"say log", "say done", "say delete", "say answer"} {
		if strings.Contains(log, never) {
			t.Errorf("the guest was told: %s", log)
		}
	}
	if said(second.Log()[at2:]) == "" || p.Metric("m") != 3*2 { // three threads tick twice in 2 s
		t.Errorf("second plugin: metric %d\n%s", p.Metric("m"), said(second.Log()[at2:]))
	}
	r, e := do(t, first, hostsim.Request{})
	wantStatus(t, r, 200)
	if got := result(t, e.Log, "sdget k"); got != "1" {
		t.Errorf("sdget after the restart: %s, want NotFound", got)
	}
}

// TestRestartRefused: a guest that starts only once says so the second time, and its streams get 503.
func TestRestartRefused(t *testing.T) {
	h := newHost(t, "configure: say fine")
	h.SetMemoryLimit(64 << 10)
	var refused *hostsim.ConfigError
	if err := h.Process().Restart(); !errors.As(err, &refused) || !strings.Contains(err.Error(), "restart plugin plugin") {
		t.Errorf("error %v", err)
	}
	r, _ := do(t, h, hostsim.Request{})
	wantStatus(t, r, 503)
}

package site

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/helper"
	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/procstat"
	"github.com/sallyport-gateway/sallyport/envoy-config/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

func TestMain(m *testing.M) {
	helper.Main()
	os.Exit(m.Run())
}

func TestX(t *testing.T) {
	root, _ := wasmbuild.Root()
	_ = exec.Command
	a, err := StartAround("/tmp/extauthz")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Stop()
	start := time.Now()
	g, err := a.Start(context.Background(), Options{Envoy: envoyrun.ForTest(t), Workers: 1, Modules: Modules{filepath.Join(root, "build/sallyport.wasm"), filepath.Join(root, "build/bench/empty.wasm")}, Listeners: nil})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Stop()
	cpu, _ := procstat.CPU(g.Envoy.PID())
	rss, _ := procstat.Resident(g.Envoy.PID())
	t.Log(time.Since(start), cpu, rss>>20)
	for l := range g.addresses {
		s, r, err := g.Ask(t.Context(), l, Request(Key(0), a.Caller.Token))
		t.Log(l, s, r, err)
	}
	t.Log(len(a.Caller.Token))
	cpu, _ = procstat.CPU(g.Envoy.PID())
	t.Log(time.Since(start), cpu)
	for _, l := range g.Envoy.Log().Since(0) {
		t.Log(l)
	}
}

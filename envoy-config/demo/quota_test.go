package demo

import (
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/envoy-config/internal/quotaengine"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun/envoytest"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// TestDemoQuotaEngine: with QUOTA=redis it is the real engine that counts, on both hosts.
func TestDemoQuotaEngine(t *testing.T) {
	for _, host := range []string{HostSim, HostEnvoy} {
		t.Run(host, func(t *testing.T) {
			if host == HostEnvoy {
				envoytest.Find(t)
			}
			clone, err := wasmbuild.Root()
			if err != nil {
				t.Fatal(err)
			}
			d, err := Start(t.Context(), Options{
				Wasm: wasmbuild.Package(t, "./filter"), Host: host, Quota: QuotaRedis, Clone: clone, Log: slog.New(slog.DiscardHandler),
			})
			if errors.Is(err, quotaengine.ErrMissing) && os.Getenv("CI") != "true" {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			}()
			call := func() string {
				var good string
				for _, l := range d.Lines() {
					if l.Status == 200 {
						good = l.Command
						break
					}
				}
				out, err := exec.CommandContext(t.Context(), "sh", "-c", good+" -i").CombinedOutput()
				if err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				return string(out)
			}
			if got := call(); !strings.Contains(got, " 200") {
				t.Fatalf("with the engine: %s", got)
			}
			if host == HostSim {
				if left := lastVisit(t, d).Left; !strings.Contains(left, `"200-minute-app";r=199;t=`) {
					t.Errorf("left: %s", left)
				}
			}
			if err := d.quota.Stop(); err != nil {
				t.Fatal(err)
			}
			if got := call(); !strings.Contains(got, "quota.unavailable") {
				t.Errorf("without the engine: %s", got)
			}
		})
	}
}

// lastVisit waits for one: the page has it after the client has its response.
func lastVisit(t *testing.T, d *Demo) visit {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if seen := d.console.visits.after(0); len(seen) > 0 {
			return seen[len(seen)-1]
		}
		if time.Now().After(end) {
			t.Fatal("the console has no visit")
		}
	}
}

func TestDemoQuotaIsUnknown(t *testing.T) {
	if d, err := Start(t.Context(), Options{Wasm: "x", Quota: "memcached"}); err == nil {
		_ = d.Close()
		t.Error("it started")
	}
}

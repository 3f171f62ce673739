package e2e

import (
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// TestPanic lets the guest panic at each point where an exchange can be, in a real Envoy: the one request is refused,
// those that are parked beside it go on, and the same VM serves the next one.
func TestPanic(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{Module: wasmbuild.PackageTags(t, "./filter", "faultinjection")})
	s.serve(plan{name: "gw", config: policies(t, fullSequence)})
	s.do("before", "gw", request("before"), admitted)
	vms := s.vms()
	points := []string{
		"headers", "headers nil",
		"apply spike_arrest", "apply verify_api_key nil", "apply remove_api_key", "apply introspect_token",
		"resume introspect_token", "resume introspect_token nil", // in the callout's callback
		"apply require_token", "apply require_token nil", // there too, when the token was not known
	}
	panics := uint64(0)
	for _, point := range points {
		ok := t.Run(point, func(t *testing.T) {
			s := s.on(t)
			mine := strings.ReplaceAll(point, " ", "-")
			bad := func(token string) scenario.Request { return post(request(token, "x-inject-panic", point), "a body") }

			bystander, letGo := s.parked("gw", request("bystander-"+mine))
			defer letGo()
			s.do("the request that panics", "gw", bad("bad-"+mine), internalError)
			panics++
			// Two that wait for the same answer: one of them panics, and made the call if it could.
			shared := "shared-" + mine
			letGoShared := s.authority.hold(shared)
			defer letGoShared()
			doomed := s.begin("gw", bad(shared))
			panics++
			if strings.HasPrefix(point, "resume") || strings.Contains(point, "require_token") {
				s.asked(shared) // before its panic
			} else {
				s.ends("a request that panics before it asks", doomed, internalError)
			}
			neighbour := s.begin("gw", request(shared))
			s.asked(shared)
			letGoShared()
			s.ends("a request that panics beside another", doomed, internalError)
			s.ends("a request that waits for the same answer", neighbour, admitted)
			letGo()
			s.ends("a request that was parked meanwhile", bystander, admitted)
			s.do("the next request", "gw", request("next-"+mine), admitted)
			s.settled()
		})
		if !ok {
			t.FailNow() // the VM may be gone, and every point would wait for it in vain
		}
	}
	if got := s.metric("sallyport_panics"); got != panics || panics == 0 {
		t.Errorf("%d panics counted, want %d", got, panics)
	}
	if now := s.vms(); !maps.Equal(now, vms) {
		t.Errorf("the VMs changed: %v, before the panics %v", now, vms)
	}
	s.wantPanicLines(panics)
	t.Logf("%d panics at %d points; VMs before and after: %v", panics, len(points), vms)

	t.Run("a trap would be seen", func(t *testing.T) {
		s := s.on(t)
		s.serve(plan{
			name: "gwtrap", module: wasmbuild.Package(t, "./hostsim/testdata/guests/scripted"),
			config: []byte("@trap request_headers: nil"),
		})
		vms := s.vms()
		plain := func(headers ...scenario.Header) scenario.Request {
			return scenario.Request{Method: "GET", Target: "/", Headers: append(headers, scenario.Header{Name: "host", Value: "api.example.com"})}
		}
		s.do("a request that traps", "gwtrap", plain(scenario.Header{Name: "x-script", Value: "trap"}), outcome{status: 503})
		refused := 0
		s.until("a request finds the VM made again", func(envoyrun.Stats) bool {
			p := s.begin("gwtrap", plain())
			<-p.ended
			s.admitted[p.mark] = p.got.Status == 200
			refused++
			return s.admitted[p.mark]
		})
		s.settled()
		if now := s.vms(); maps.Equal(now, vms) {
			t.Errorf("the VMs are still %v: the counters that this test watches see nothing", now)
		}
		t.Logf("a trap: 503 for itself and %d more requests; VMs: %v, before: %v", refused-1, s.vms(), vms)
	})
}

var internalError = outcome{status: 500, reason: "internal.error"}

// vms are Envoy's counters of VMs that were made, are there, and were made again after a trap.
func (s *site) vms() map[string]uint64 {
	vms := s.stats()
	maps.DeleteFunc(vms, func(name string, _ uint64) bool { return !aboutVMs.MatchString(name) })
	return vms
}

var aboutVMs = regexp.MustCompile(`^wasm\..*\.(created|active|vm_reload\w*)$`)

// wantPanicLines: the operator reads of each panic once, and not what it carried; nothing trapped.
func (s *site) wantPanicLines(want uint64) {
	s.t.Helper()
	if err := s.envoy.Log().Sync(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	lines := uint64(0)
	for _, l := range s.envoy.Log().Since(0) {
		if l.Logger != "wasm" {
			continue
		}
		if strings.Contains(l.Text, "recovered a panic") {
			lines++
		}
		if strings.Contains(l.Text, "secret-value") || strings.Contains(l.Text, "Proxy-Wasm plugin in-VM backtrace") {
			s.t.Errorf("log line %q", l.Text)
		}
	}
	if lines != want {
		s.t.Errorf("%d lines tell of panics, want %d", lines, want)
	}
}

package hostsim_test

import (
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim"
)

// TestFailOpenAlways: the older switch lets even the request pass that crashed the VM; FAIL_OPEN only later ones. Real
// Envoys did the same in the cases crash_*_open_always.
func TestFailOpenAlways(t *testing.T) {
	for _, phase := range []string{"request_headers", "request_body", "response_headers", "response_body", "log"} {
		for policy, want := range map[hostsim.FailurePolicy]int{hostsim.FailOpenAlways: 200, hostsim.FailOpen: 503, hostsim.FailClosed: 503} {
			h := newHost(t, phase+": panic", hostsim.WithFailurePolicy(policy))
			r, _ := do(t, h, hostsim.Request{Method: "POST", Body: []byte("body")})
			switch {
			case phase == "log":
				want = 200
			case phase == "response_body" && policy != hostsim.FailOpenAlways:
				if !r.Reset {
					t.Errorf("%s, policy %d: status %d", phase, policy, r.Status)
				}
				continue
			}
			if r.Status != want {
				t.Errorf("%s, policy %d: status %d, want %d", phase, policy, r.Status, want)
			}
			later, _ := do(t, h, hostsim.Request{})
			if passes := policy != hostsim.FailClosed; (later.Status == 200) != passes {
				t.Errorf("%s, policy %d: the next got %d", phase, policy, later.Status)
			}
		}
	}
}

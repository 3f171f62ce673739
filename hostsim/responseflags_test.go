package hostsim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// TestResponseFlags: what response.flags says in the log phase, as real Envoys did in the cases flags_*.
func TestResponseFlags(t *testing.T) {
	for _, tt := range []struct {
		fault upstream.Fault
		bit   int
	}{
		{"", -1}, {upstream.FaultNoEndpoints, 1}, {upstream.FaultTimeout, 2}, {upstream.FaultRefuse, 5}, {upstream.FaultReset, 6},
		{upstream.FaultNotHTTP, 23}, {upstream.FaultUnknown, 24},
	} {
		h := newHost(t, "log: prop response.flags", hostsim.WithUpstream(upstream.Answer{Fault: tt.fault}))
		_, e := do(t, h, hostsim.Request{})
		var flags [8]byte
		if tt.bit >= 0 {
			flags[tt.bit/8] = 1 << (tt.bit % 8)
		}
		if got, want := result(t, e.Log, "prop response.flags"), fmt.Sprintf("0 %q", flags[:]); got != want {
			t.Errorf("%s: %s, want %s", tt.fault, got, want)
		}
	}
	h := newHost(t, "log: prop response.flags", hostsim.WithUpstream(upstream.Answer{Delay: time.Minute}))
	_, e := do(t, h, hostsim.Request{ClientGoneAfter: time.Second})
	if got := result(t, e.Log, "prop response.flags"); got != `0 "\x00@\x00\x00\x00\x00\x00\x00"` {
		t.Errorf("client gone: %s, want bit 14", got)
	}
}

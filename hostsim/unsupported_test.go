package hostsim

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/forge"
)

// TestUnsupported: what the fidelity table calls "none" still links, and its callbacks are checked as Envoy checks them.
func TestUnsupported(t *testing.T) {
	b := newBadGuest(t, "page one")
	if got := Status(b.call("env.envoy_resolve_dns", []uint64{2048, 4, 4096})); got != StatusUnimplemented {
		t.Errorf("envoy_resolve_dns: %v", got)
	}
	for _, cb := range []callback{onNewConnection, onForeignFunction} {
		name := callbackTable[cb].name
		m, err := Compile(t.Context(), forge.Guest("0_2_1").Export(name, "iiiiii", "").Bytes(), CompileOptions{})
		if err == nil {
			_, err = m.New(t.Context())
			if closed := m.Close(context.Background()); closed != nil {
				t.Error(closed)
			}
		}
		var refused *LoadError
		if !errors.As(err, &refused) || !strings.Contains(refused.Reason, "Bad function signature for: "+name) {
			t.Errorf("%s of another type: %v", name, err)
		}
	}
}

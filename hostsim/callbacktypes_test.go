package hostsim_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/forge"
)

// TestUnsupportedCallbacks: what the fidelity table calls "none" is checked as Envoy checks it.
func TestUnsupportedCallbacks(t *testing.T) {
	for _, name := range []string{"proxy_on_new_connection", "proxy_on_foreign_function"} {
		m, err := hostsim.Compile(t.Context(), forge.Guest("0_2_1").Export(name, "iiiiii", "").Bytes(), hostsim.CompileOptions{})
		if err == nil {
			_, err = m.New(t.Context())
			if closed := m.Close(context.Background()); closed != nil {
				t.Error(closed)
			}
		}
		var refused *hostsim.LoadError
		if !errors.As(err, &refused) || !strings.Contains(refused.Reason, "Bad function signature for: "+name) {
			t.Errorf("%s of another type: %v", name, err)
		}
	}
}

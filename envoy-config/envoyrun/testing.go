package envoyrun

import (
	"strings"
	"testing"
)

// failureLogLines bounds how much of Envoy's log a failed test repeats.
const failureLogLines = 60

// StartForTest runs Envoy until the test ends; a failed test shows the end of Envoy's log. See ForTest for what
// a missing Envoy means.
func StartForTest(t testing.TB, o Options) *Process {
	t.Helper()
	if o.Binary == "" {
		o.Binary = ForTest(t)
	}
	p, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
		if !t.Failed() {
			return
		}
		for _, line := range p.Log().Since(p.Log().Len() - failureLogLines) {
			if !strings.HasPrefix(line.Text, "  ") { // Envoy's list of extensions
				t.Log(line)
			}
		}
	})
	return p
}

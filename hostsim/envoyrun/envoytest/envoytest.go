// Package envoytest runs a real Envoy for the length of a test.
package envoytest

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
)

// failureLogLines bounds how much of Envoy's log a failed test repeats.
const failureLogLines = 60

// Find returns the path of an Envoy binary. Where CI=true a missing one fails the test, so that a green run there
// always means that Envoy ran; elsewhere the test is skipped with the command that installs one.
func Find(t testing.TB) string {
	t.Helper()
	path, err := envoyrun.Find()
	switch {
	case err == nil:
		return path
	case os.Getenv("CI") == "true" || !errors.Is(err, envoyrun.ErrNotFound):
		t.Fatal(err)
	default:
		t.Skip(err)
	}
	return ""
}

// Start runs Envoy until the test ends; a failed test shows the end of Envoy's log. See Find for what a missing Envoy
// means.
func Start(t testing.TB, o envoyrun.Options) *envoyrun.Process {
	t.Helper()
	if o.Binary == "" {
		o.Binary = Find(t)
	}
	p, err := envoyrun.Start(t.Context(), o)
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

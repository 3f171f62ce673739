package main

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

const (
	modulePath    = "github.com/sallyport-gateway/sallyport"
	moduleVersion = "v0.9.0"
)

// TestGoInstall serves the tree as a module from a file proxy, and installs the commands as a stranger would: offline, with
// what this machine has of other modules.
func TestGoInstall(t *testing.T) {
	root, err := wasmbuild.Root()
	if err != nil {
		t.Fatal(err)
	}
	proxy, bin, cache := t.TempDir(), t.TempDir(), t.TempDir()
	serveModule(t, root, filepath.Join(proxy, filepath.FromSlash(modulePath), "@v"))
	modules, err := exec.CommandContext(t.Context(), "go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	run := func(name string, args ...string) string {
		t.Helper()
		c := exec.CommandContext(t.Context(), name, args...)
		c.Dir = t.TempDir() // outside of any module
		c.Env = append(os.Environ(), "GOBIN="+bin, "GOMODCACHE="+cache, "GOSUMDB=off", "GOWORK=off", "GOFLAGS="+os.Getenv("GOFLAGS")+" -modcacherw",
			"GOPROXY=file://"+proxy+",file://"+filepath.Join(strings.TrimSpace(string(modules)), "cache", "download"))
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v\n%.4000s", filepath.Base(name), strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	run("go", "install", "-n", modulePath+"/...@latest") // every package and all that it needs are found
	run("go", "install", modulePath+"/filter/cmd/sallyport@latest")
	if got := run(filepath.Join(bin, "sallyport"), "--version"); !strings.Contains(got, moduleVersion) {
		t.Errorf("the version is %q, want %s", got, moduleVersion)
	}
	run(filepath.Join(bin, "sallyport"), "init", "--server", "none")
}

// TestGuestModules: what the guest is built with is the module's own list, and the replacement.
func TestGuestModules(t *testing.T) {
	root, err := wasmbuild.Root()
	if err != nil {
		t.Fatal(err)
	}
	module, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	guest, err := os.ReadFile(filepath.Join(root, "guest.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(module, []byte("replace")) {
		t.Error("go.mod has a replacement: nobody could install a command of this module")
	}
	rest, ok := bytes.CutPrefix(guest, module)
	if want := "\nreplace github.com/tidwall/pretty => github.com/tidwall/pretty v1.1.0\n"; !ok || string(rest) != want {
		t.Errorf("guest.mod must be go.mod and then %q; make it again: (cat go.mod; the replacement) > guest.mod, then 'go mod tidy -modfile=guest.mod'", want)
	}
}

// serveModule writes what a module proxy has of the tree: the files that git would take, without nested modules.
func serveModule(t *testing.T, root, dir string) {
	t.Helper()
	list := exec.CommandContext(t.Context(), "git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Skip("the tree is not a working copy of git: ", err)
	}
	names := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	nested := map[string]bool{}
	for _, name := range names {
		if d, file := path.Split(name); file == "go.mod" && d != "" {
			nested[d] = true
		}
	}
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	for _, name := range names {
		info, err := os.Lstat(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil || !info.Mode().IsRegular() || inNested(nested, name) {
			continue
		}
		w, err := z.Create(modulePath + "@" + moduleVersion + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(w, f)
		_ = f.Close()
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"list": []byte(moduleVersion + "\n"), moduleVersion + ".mod": mod, moduleVersion + ".zip": packed.Bytes(),
		moduleVersion + ".info": []byte(`{"Version":"` + moduleVersion + `","Time":"2026-11-01T00:00:00Z"}`),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func inNested(nested map[string]bool, name string) bool {
	for d := path.Dir(name); d != "."; d = path.Dir(d) {
		if nested[d+"/"] {
			return true
		}
	}
	return false
}

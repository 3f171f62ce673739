package release

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const testVersion = "v0.0.1-test.1"

// checkout clones this project into a folder, with a section of the changelog and a tag for the test's version.
func checkout(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "source")
	git(t, ".", "clone", "--quiet", "--no-tags", "../..", dir)
	changelog := filepath.Join(dir, "CHANGELOG.md")
	text, err := os.ReadFile(changelog)
	if err != nil {
		t.Fatal(err)
	}
	text = []byte(strings.Replace(string(text), "## Unreleased", "## "+testVersion+" (2030-01-02)\n- Something is new.\n\n## v0.0.0", 1))
	if err := os.WriteFile(changelog, text, 0o600); err != nil {
		t.Fatal(err)
	}
	git(t, dir, "commit", "--quiet", "--all", "-m", "CHANGELOG: a version for a test")
	git(t, dir, "tag", testVersion)
	return dir
}

func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=test", "-c", "user.email=test@example.com"}, args...)...)
	c.Dir = dir
	// One time, so that clones of one test have one commit.
	c.Env = append(os.Environ(), "GIT_AUTHOR_DATE=2030-01-02T03:04:05Z", "GIT_COMMITTER_DATE=2030-01-02T03:04:05Z")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v: %s", args, err, out)
	}
}

func published(t *testing.T, source string) (out string) {
	t.Helper()
	out = filepath.Join(t.TempDir(), "out")
	version, err := Make(t.Context(), Options{
		Source: source, Out: out, Platforms: []Platform{{runtime.GOOS, runtime.GOARCH}}, Say: func(string) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	if version != testVersion {
		t.Errorf("version %s", version)
	}
	return out
}

// TestRelease: what is published is whole, says what it is, and is the same from another folder.
func TestRelease(t *testing.T) {
	out := published(t, checkout(t))
	var files []string
	entries, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		files = append(files, e.Name())
	}
	archive := "sallyport_0.0.1-test.1_" + runtime.GOOS + "_" + runtime.GOARCH + ".tar.gz"
	want := []string{
		"NOTES.md", "SHA256SUMS", "hostsim.sbom.cdx.json", "provenance.json", "sallyport-envoy-gateway-0.0.1-test.1.tgz",
		"sallyport-image.digest", "sallyport-image.tar", "sallyport-istio-0.0.1-test.1.tgz", "sallyport.sbom.cdx.json", "sallyport.wasm",
		"sallyport.wasm.sbom.cdx.json", archive,
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, files); diff != "" {
		t.Fatalf("files (-want +got):\n%s", diff)
	}
	t.Run("checksums", func(t *testing.T) {
		c := exec.CommandContext(t.Context(), "sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS")
		c.Dir = out
		if said, err := c.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, said)
		}
		if sums := string(read(t, out, "SHA256SUMS")); strings.Count(sums, "\n") != len(files)-2 { // not its own, nor the provenance's
			t.Errorf("%d files, and the sums of\n%s", len(files), sums)
		}
	})
	t.Run("notes", func(t *testing.T) {
		if got := string(read(t, out, "NOTES.md")); got != "- Something is new.\n" {
			t.Errorf("%q", got)
		}
	})
	t.Run("commands", func(t *testing.T) {
		packed := unpack(t, read(t, out, archive))
		for _, name := range []string{"sallyport", "hostsim"} {
			file := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(file, packed[name], 0o700); err != nil {
				t.Fatal(err)
			}
			said, err := exec.CommandContext(t.Context(), file, "--version").CombinedOutput()
			if err != nil || !strings.Contains(string(said), testVersion) {
				t.Errorf("%s --version: %v, %s", name, err, said)
			}
		}
		if len(packed["LICENSE"]) == 0 {
			t.Error("there is no license in it")
		}
	})
	t.Run("charts", func(t *testing.T) {
		packed := unpack(t, read(t, out, "sallyport-istio-0.0.1-test.1.tgz"))
		chart := string(packed["sallyport-istio/Chart.yaml"])
		if !strings.Contains(chart, "\nversion: 0.0.1-test.1\n") || !strings.Contains(chart, "\nappVersion: \"0.0.1-test.1\"\n") {
			t.Errorf("Chart.yaml:\n%s", chart)
		}
		if len(packed["sallyport-istio/templates/plugin.yaml"]) == 0 {
			t.Error("the templates are missing")
		}
	})
	t.Run("provenance", func(t *testing.T) {
		var statement struct {
			Subject []struct{ Name string }
		}
		if err := json.Unmarshal(read(t, out, "provenance.json"), &statement); err != nil {
			t.Fatal(err)
		}
		if len(statement.Subject) != len(files)-2 {
			t.Errorf("it is about %d files, want %d", len(statement.Subject), len(files)-2)
		}
	})
	t.Run("bills of materials", func(t *testing.T) {
		for file, module := range map[string]string{
			"sallyport.wasm.sbom.cdx.json": "github.com/tidwall/gjson", "sallyport.sbom.cdx.json": "github.com/spf13/cobra", "hostsim.sbom.cdx.json": "github.com/tetratelabs/wazero",
		} {
			if !bytes.Contains(read(t, out, file), []byte(`"`+module+`"`)) {
				t.Errorf("%s does not name %s", file, module)
			}
		}
	})
	t.Run("again, elsewhere", func(t *testing.T) {
		again := published(t, checkout(t))
		if diff := cmp.Diff(string(read(t, out, "SHA256SUMS")), string(read(t, again, "SHA256SUMS"))); diff != "" {
			t.Errorf("other bytes from another folder:\n%s", diff)
		}
	})
}

func TestReleaseRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(t *testing.T, dir string)
		want   string
	}{
		{"a commit without a tag", func(t *testing.T, dir string) { git(t, dir, "tag", "-d", testVersion) }, "no tag like v1.2.3"},
		{"a tag that is not a version", func(t *testing.T, dir string) {
			git(t, dir, "tag", "-d", testVersion)
			git(t, dir, "tag", "latest")
		}, "no tag like v1.2.3"},
		{"two versions", func(t *testing.T, dir string) { git(t, dir, "tag", "v9.9.9") }, "a release has exactly one"},
		{"a version without a section", func(t *testing.T, dir string) {
			git(t, dir, "tag", "-d", testVersion)
			git(t, dir, "tag", "v9.9.9")
		}, `no section "## v9.9.9"`},
		{"a source that was changed", func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, "README.md"), []byte("other"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "differs from its commit"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := checkout(t)
			tt.change(t, dir)
			_, err := Make(t.Context(), Options{Source: dir, Out: filepath.Join(t.TempDir(), "out"), Say: func(string) {}})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestSection(t *testing.T) {
	const changelog = "# Changelog\n\n## v1.1.0\n\n## v1.0.1 (2030-02-01)\n- b\n- c\n\n## v1.0.0\n- a\n"
	for version, want := range map[string]string{"v1.0.1": "- b\n- c\n", "v1.0.0": "- a\n", "v1.0": "", "v1.1.0": "", "v2.0.0": ""} {
		if got, ok := section(changelog, version); ok != (want != "") || ok && got != want {
			t.Errorf("%s: %q, %v, want %q", version, got, ok, want)
		}
	}
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// unpack is what a gzipped tar archive holds.
func unpack(t *testing.T, data []byte) map[string][]byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for r := tar.NewReader(z); ; {
		head, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[head.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}

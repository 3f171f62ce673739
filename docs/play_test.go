// Package docs holds the pages for operators and developers; its tests play
// them from their own text.
package docs

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun/envoytest"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// pageTimeout bounds one page; what a page starts ends with it.
const pageTimeout = 3 * time.Minute

// releasedModule is the filter, for pages that name it: readers have it from a
// release, in their folder.
const releasedModule = "sallyport.wasm"

// block is a fenced block of a page. Its info string is a language and words:
//
//	yaml file=NAME   a file that the reader writes
//	sh               commands, played one block after the other in one shell
//	sh needs=helm    the same, where there is a Helm in build/bin (make helm)
//	sh by=READER     commands for a system that no test has: by says which
//	text             what the commands before it print: these lines, in this
//	                 order; "…" stands for anything
type block struct {
	language string
	words    map[string]string
	text     string
	line     int
}

var fence = regexp.MustCompile("(?ms)^```([a-z]+)([^\n]*)\n(.*?)^```$")

func blocks(page string) (all []block) {
	for _, m := range fence.FindAllStringSubmatchIndex(page, -1) {
		b := block{language: page[m[2]:m[3]], words: map[string]string{}, text: page[m[6]:m[7]], line: strings.Count(page[:m[0]], "\n") + 1}
		for word := range strings.FieldsSeq(page[m[4]:m[5]]) {
			name, value, _ := strings.Cut(word, "=")
			b.words[name] = value
		}
		all = append(all, b)
	}
	return all
}

// TestDocsPlayed plays each page in a folder of its own, with the commands of
// this tree and a real Envoy.
func TestDocsPlayed(t *testing.T) {
	pages, err := filepath.Glob("*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	bin := programs(t)
	helm := linkHelm(t, bin)
	for _, page := range pages {
		t.Run(strings.TrimSuffix(page, ".md"), func(t *testing.T) {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			all := blocks(string(text))
			if !helm {
				all = slices.DeleteFunc(all, func(b block) bool { return b.words["needs"] == "helm" })
			}
			play(t, bin, page, all)
		})
	}
}

func play(t *testing.T, bin, page string, all []block) {
	t.Helper()
	dir, outputs := t.TempDir(), t.TempDir()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	// What a page calls by its place in a clone.
	for _, name := range []string{"envoy-config", "testdata", "build"} {
		if err := os.Symlink(filepath.Join(root, name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if slices.ContainsFunc(all, func(b block) bool { return strings.Contains(b.text, releasedModule) }) {
		if err := os.Symlink(wasmbuild.Package(t, "./filter"), filepath.Join(dir, releasedModule)); err != nil {
			t.Fatal(err)
		}
	}
	// What is left running ends with the shell, by its number.
	script := "set -euo pipefail\ntrap 'code=$?; for job in $(jobs -p); do kill \"$job\"; done; exit $code' EXIT\n"
	played := 0
	for i, b := range all {
		switch {
		case b.words["file"] != "":
			script += fmt.Sprintf("mkdir -p \"$(dirname %[1]s)\"\ncat > %[1]s <<'END_OF_FILE'\n%[2]sEND_OF_FILE\n", b.words["file"], b.text)
		case b.language == "sh" && b.words["by"] == "":
			script += fmt.Sprintf("echo 'line %d' >&2\nexec 3>&1 >%s/%d 2>&1\n%sexec >&3\n", b.line, outputs, i, b.text)
			played++
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), pageTimeout)
	defer cancel()
	c := exec.CommandContext(ctx, "bash", "-c", script)
	c.Dir = dir
	c.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
	c.WaitDelay = 5 * time.Second
	var said bytes.Buffer
	c.Stderr, c.Stdout = &said, &said
	if err := c.Run(); err != nil {
		for i := range all {
			if out, err := os.ReadFile(filepath.Join(outputs, fmt.Sprint(i))); err == nil {
				t.Logf("%s:%d printed\n%s", page, all[i].line, out)
			}
		}
		t.Fatalf("%s: %v\n%s", page, err, said.String())
	}
	last := -1
	for i, b := range all {
		switch {
		case b.language == "sh" && b.words["by"] == "":
			last = i
		case b.language == "text" && last >= 0:
			out, err := os.ReadFile(filepath.Join(outputs, fmt.Sprint(last)))
			if err != nil {
				t.Fatal(err)
			}
			wantLines(t, fmt.Sprintf("%s:%d", page, b.line), b.text, string(out))
		}
	}
	t.Logf("%d blocks played", played)
}

// wantLines reports the first line of want that got lacks behind the ones before.
func wantLines(t *testing.T, where, want, got string) {
	t.Helper()
	rest := got
	for line := range strings.Lines(want) {
		line = strings.TrimRight(line, "\n")
		if line == "" {
			continue
		}
		pattern := strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*")
		at := regexp.MustCompile("(?m)^" + pattern + " *$").FindStringIndex(rest)
		if at == nil {
			t.Errorf("%s: the commands do not print %q; they print\n%s", where, line, got)
			return
		}
		rest = rest[at[1]:]
	}
}

// programs builds what the pages call, into a folder for PATH.
func programs(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, pkg := range []string{"./filter/cmd/sallyport", "./hostsim/cmd/hostsim"} {
		c := exec.CommandContext(t.Context(), "go", "build", "-o", dir+"/", pkg)
		c.Dir = ".."
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v: %s", pkg, err, out)
		}
	}
	if err := os.Symlink(envoytest.Find(t), filepath.Join(dir, "envoy")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// linkHelm puts Helm on PATH and reports whether there is one; there must be where
// CI=true.
func linkHelm(t *testing.T, bin string) bool {
	t.Helper()
	found, err := filepath.Glob("../build/bin/helm-*")
	if err != nil || len(found) == 0 {
		if os.Getenv("CI") == "true" {
			t.Error("there is no helm in build/bin: make helm")
		}
		t.Log("commands of Helm are not played: make helm")
		return false
	}
	path, err := filepath.Abs(found[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, filepath.Join(bin, "helm")); err != nil {
		t.Fatal(err)
	}
	return true
}

func TestBlocks(t *testing.T) {
	got := blocks("a\n```yaml file=a.yaml\nx: 1\n```\n\n```sh by=kubectl\nls\n```\n```text\n…\n```\n")
	if len(got) != 3 || got[0].words["file"] != "a.yaml" || got[0].text != "x: 1\n" || got[0].line != 2 ||
		got[1].words["by"] != "kubectl" || got[2].language != "text" {
		t.Errorf("%+v", got)
	}
}

// TestLinks: a page links to what is there, wherever it stands.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:\s]+)(#[^)]*)?\)`)
	err := filepath.WalkDir("..", func(page string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(page) != ".md" {
			if err == nil && d.IsDir() && (page == "../build" || page == "../.git") {
				return fs.SkipDir
			}
			return err
		}
		text, err := os.ReadFile(page)
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s links to %s: %v", page, m[1], err)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

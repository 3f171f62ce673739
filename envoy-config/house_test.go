package envoyconfig_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

const repository = "github.com/sallyport-gateway/sallyport/"

// house is what `go list` knows of the packages of this repository, by path below its root.
type house map[string]room

type room struct {
	name                 string // main for a command
	dir                  string
	files                []string // without tests
	imports, testImports []string // of this repository, by path below its root
	testing              bool     // it imports package testing
}

func readHouse(t *testing.T) house {
	t.Helper()
	const format = "{{.ImportPath}}|{{.Name}}|{{.Dir}}|{{join .GoFiles \" \"}}|{{join .Imports \" \"}}|{{join .TestImports \" \"}} {{join .XTestImports \" \"}}"
	h := house{}
	for line := range strings.Lines(goList(t, "-f", format, "./...")) {
		cells := strings.Split(strings.TrimSuffix(line, "\n"), "|")
		h[strings.TrimPrefix(cells[0], repository)] = room{
			name: cells[1], dir: cells[2], files: strings.Fields(cells[3]), imports: ours(cells[4]), testImports: ours(cells[5]),
			testing: slices.Contains(strings.Fields(cells[4]), "testing"),
		}
	}
	return h
}

func goList(t *testing.T, args ...string) string {
	t.Helper()
	root, err := wasmbuild.Root()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	cmd.Dir, cmd.Stderr = root, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %v: %v", args, err)
	}
	return string(out)
}

// ours are the packages of this repository among these, by path below its root.
func ours(paths string) (out []string) {
	for path := range strings.FieldsSeq(paths) {
		if below, ok := strings.CutPrefix(path, repository); ok {
			out = append(out, below)
		}
	}
	return out
}

func (r room) lines(t *testing.T) (n int) {
	t.Helper()
	for _, name := range r.files {
		text, err := os.ReadFile(filepath.Join(r.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		n += strings.Count(string(text), "\n")
	}
	return n
}

// within reports whether a package stands in one of the folders, or is one of them.
func within(pkg string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return pkg == f || strings.HasPrefix(pkg, f+"/") })
}

// wall is a folder and the folders of this repository that it may import. The first wall that a package stands in holds.
type wall struct {
	folder string
	may    []string
	tests  []string // may import these too
}

var walls = []wall{
	{"filter/internal", []string{"filter/internal"}, []string{"hostsim"}},
	// The command links the files that are shipped, and the simulated Okta that it can run.
	{"filter/cmd", []string{"filter/cmd", "filter/internal", "envoy-config:", "hostsim/okta", "hostsim/pki"}, []string{"hostsim", "envoy-config/promtest"}},
	{"filter", []string{"filter/internal"}, []string{"hostsim"}},
	{"hostsim", []string{"hostsim"}, nil},
	{"docs", nil, []string{"hostsim/envoyrun", "hostsim/wasmbuild"}},
	{"envoy-config:", nil, []string{"envoy-config", "hostsim"}},
	// The demo shows what the page on troubleshooting says of a reason.
	{"envoy-config", []string{"envoy-config", "hostsim", "docs:"}, []string{"filter/cmd/sallyport"}},
}

// stands is within, and "x:" is the package x alone.
func stands(pkg string, folders ...string) bool {
	return slices.Contains(folders, pkg+":") || within(pkg, folders...)
}

// TestHouseWalls: imports go one way between the folders, in tests too.
func TestHouseWalls(t *testing.T) {
	for path, room := range readHouse(t) {
		at := slices.IndexFunc(walls, func(w wall) bool { return stands(path, w.folder) })
		if at < 0 {
			t.Errorf("%s stands within no wall", path)
			continue
		}
		w := walls[at]
		for _, imported := range room.imports {
			if !stands(imported, w.may...) {
				t.Errorf("%s imports %s: %s may import %v", path, imported, w.folder, w.may)
			}
		}
		for _, imported := range room.testImports {
			if imported != path && !stands(imported, slices.Concat(w.may, w.tests)...) {
				t.Errorf("the tests of %s import %s: they may import %v and %v", path, imported, w.may, w.tests)
			}
		}
	}
}

// workshop are the commands of this repository's own workshop, which compile modules from its source.
var workshop = []string{"envoy-config/release/cmd/release", "hostsim/fidelity/cmd/fidelity", "envoy-config/bench/cmd/bench", "envoy-config/bench/cmd/profile"}

// TestHouseCommands: no command links what is for tests, and prints what of this repository each links.
func TestHouseCommands(t *testing.T) {
	commands, h := 0, readHouse(t)
	for path, room := range h {
		if room.name != "main" || strings.Contains(path, "testdata/") {
			continue
		}
		commands++
		own := ours(strings.ReplaceAll(goList(t, "-deps", "./"+path), "\n", " "))
		t.Logf("%s links %d packages of this repository: %s", path, len(own), strings.Join(own, " "))
		for _, pkg := range own {
			last := pkg[strings.LastIndex(pkg, "/")+1:]
			if strings.HasSuffix(last, "test") || last == "e2e" {
				t.Errorf("%s links %s, which is for tests", path, pkg)
			}
			if h[pkg].testing && !slices.Contains(workshop, path) {
				t.Errorf("%s links %s, which imports package testing", path, pkg)
			}
		}
	}
	if commands < 8 {
		t.Errorf("looked at %d commands", commands)
	}
}

// TestHouseModule: the Wasm module links the pure filter, and neither the host in memory nor what stands in for hosts. Nor
// does it link fmt and os, whose initialisers alone bring 150 KB.
func TestHouseModule(t *testing.T) {
	t.Setenv("GOOS", "wasip1")
	t.Setenv("GOARCH", "wasm")
	deps := strings.ReplaceAll(goList(t, "-modfile=guest.mod", "-deps", "./filter"), "\n", " ")
	for _, pkg := range []string{"fmt", "os", "encoding/hex"} {
		if slices.Contains(strings.Fields(deps), pkg) {
			t.Errorf("the module links %s", pkg)
		}
	}
	for _, pkg := range ours(deps) {
		if pkg != "filter" && !within(pkg, "filter/internal") || within(pkg, "filter/internal/nativehost", "filter/internal/sharedtable/memstore") {
			t.Errorf("the module links %s", pkg)
		}
	}
}

const (
	// mostLines bounds a package: what is larger is several things.
	mostLines = 4000
	// leastLines bounds a package of one file: what is smaller is a part of another.
	leastLines = 40
)

// most are packages with a bound of their own.
var most = map[string]int{
	"hostsim": 2000, // the façade
}

// smaller are packages of one small file, each with its reason.
var smaller = map[string]string{
	"filter":                           "main: a module's name is its folder's",
	"filter/cmd/sallyport":             "main, over a package that tests can call",
	"hostsim/cmd/hostsim":              "main, over a package that tests can call",
	"envoy-config/release/cmd/release": "main, over a package that tests can call",
	"filter/internal/jose/josetest":    "links go-jose, for the tests of jose and of three packages above it",
}

// TestHouseSizes prints the largest packages.
func TestHouseSizes(t *testing.T) {
	total := 0
	var sizes []string
	for path, room := range readHouse(t) {
		if strings.Contains(path, "testdata/") {
			continue
		}
		lines := room.lines(t)
		total += lines
		sizes = append(sizes, fmt.Sprintf("%6d %s", lines, path))
		bound, ok := most[path]
		if !ok {
			bound = mostLines
		}
		if lines > bound {
			t.Errorf("%s has %d lines, more than %d", path, lines, bound)
		}
		small := len(room.files) == 1 && lines < leastLines
		if _, listed := smaller[path]; small != listed {
			t.Errorf("%s: %d files, %d lines; a reason to stand alone is listed: %v", path, len(room.files), lines, listed)
		}
	}
	slices.Sort(sizes)
	slices.Reverse(sizes)
	t.Logf("%d lines of Go without tests; the largest packages:\n%s", total, strings.Join(sizes[:10], "\n"))
}

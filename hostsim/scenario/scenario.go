// Package scenario plays files that each state one behaviour of a proxy-wasm
// guest on a Driver, and compares what the client, the backend, the clusters,
// the metrics and the log saw with what the file says. README.md has the format.
//
// The package knows no guest and no host: the same file gives the same outcome
// on every driver, or the difference is a finding.
package scenario

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"golang.org/x/tools/txtar"
)

// Extension is the file name extension of a scenario; BaseConfig is the name of
// the configuration that the scenarios of
// one folder, and of the folders in it, share.
const (
	Extension  = ".txtar"
	BaseConfig = "base.yaml"
)

// File is one scenario, read and checked.
type File struct {
	Path string // as given to Parse, for messages
	Name string // path below the folder without extension; Parse takes the base name
	Doc  string // the sentence on top

	archive     *txtar.Archive
	setup       Setup // its texts keep their ${...}
	steps       []step
	skips       map[string]string // driver -> reason
	configError *logWant          // nil: the configuration must be taken
	hostcalls   *hostcallsWant    // of the whole file; nil: any
}

// step is one thing that happens after the start, in the order of the file.
// Exactly one of the fields below line is set.
type step struct {
	line     int
	cluster  *clusterStep
	upstream *Answer
	hostcall *Hostcall
	advance  time.Duration
	begin    *asked // its exchange comes with section wait
	exchange *exchange
}

type clusterStep struct {
	name   string
	answer Answer
}

// Skip says whether the file excludes a driver, and why.
func (f *File) Skip(driver string) (reason string, skipped bool) {
	reason, skipped = f.skips[driver]
	return reason, skipped
}

// Expected is everything that a file expects to see, for tests over a whole
// set. The texts are as in the file: ${...} and regular expressions included.
type Expected struct {
	Statuses     []int
	Bodies       []string // of responses to the client
	Headers      []Header // of responses to the client
	Metrics      []string // names
	Logs         []string
	ConfigErrors []string
}

// Expected collects what the file expects.
func (f *File) Expected() Expected {
	var e Expected
	if f.configError != nil {
		e.ConfigErrors = f.configError.lines
	}
	for _, s := range f.steps {
		if s.exchange == nil {
			continue
		}
		for _, a := range s.exchange.asked {
			for _, w := range a.responses {
				e.Statuses = append(e.Statuses, w.message.Status)
				e.Bodies = append(e.Bodies, string(w.message.Body))
				e.Headers = append(e.Headers, w.message.Headers...)
			}
		}
		if s.exchange.metrics != nil {
			for _, m := range s.exchange.metrics.deltas {
				e.Metrics = append(e.Metrics, m.name)
			}
		}
		if s.exchange.log != nil {
			e.Logs = append(e.Logs, s.exchange.log.lines...)
		}
	}
	return e
}

// maxFiles bounds a folder, so that a wrong path is an error and not a wait.
const maxFiles = 5000

// Load reads every scenario below dir, sorted by name, or the one in a file.
// The error has the problems of all files. A folder without a scenario is an
// error too. The base configuration of a file may lie in its own folder or in
// one above it, of a path that is not absolute up to where it begins.
func Load(dir string) ([]*File, error) {
	dir = filepath.Clean(dir)
	if info, err := os.Stat(dir); err == nil && info.Mode().IsRegular() {
		return loadFile(dir)
	}
	paths, err := findFiles(dir)
	if err != nil {
		return nil, fmt.Errorf("find scenarios below %s: %w", dir, err)
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("find scenarios below %s: no *%s file", dir, Extension)
	}
	var files []*File
	var errs []error
	for _, path := range paths {
		f, err := load(rootOf(dir), path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return nil, fmt.Errorf("name scenario %s: %w", path, err)
		}
		f.rename(strings.TrimSuffix(filepath.ToSlash(name), Extension))
		files = append(files, f)
	}
	return files, errors.Join(errs...)
}

func loadFile(path string) ([]*File, error) {
	f, err := load(rootOf(filepath.Dir(path)), path)
	if err != nil {
		return nil, err
	}
	f.rename(strings.TrimSuffix(filepath.Base(path), Extension))
	return []*File{f}, nil
}

// rootOf is the highest folder whose base configuration counts.
func rootOf(dir string) string {
	if filepath.IsAbs(dir) {
		return dir
	}
	return "."
}

func findFiles(dir string) ([]string, error) {
	var paths []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != Extension {
			return err
		}
		if paths = append(paths, path); len(paths) > maxFiles {
			return fmt.Errorf("more than %d files", maxFiles)
		}
		return nil
	})
	sort.Strings(paths)
	return paths, err
}

// load reads the scenario at path with the nearest base configuration: in its
// own folder, or else in one above it up to root.
func load(root, path string) (*File, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read scenario: %w", err)
	}
	for folder := filepath.Dir(path); ; folder = filepath.Dir(folder) {
		base, err := os.ReadFile(filepath.Join(folder, BaseConfig))
		if err == nil {
			return Parse(path, data, base)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read base configuration of %s: %w", path, err)
		}
		if folder == root || folder == filepath.Dir(folder) {
			return Parse(path, data, nil)
		}
	}
}

func (f *File) rename(name string) { f.Name, f.setup.Name = name, name }

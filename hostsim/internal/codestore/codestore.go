// Package codestore keeps the machine code of modules on disk, so that the next process neither compiles nor validates
// a module again.
//
// wazero's own compilation cache spares the compiler, but decodes and validates the whole module each time, which for
// three megabytes takes longer than everything else. So a hollow copy of the module (see wasmbin.Hollow) is kept next
// to the machine code. wazero, which finds machine code by the bytes of a module alone, is given that copy, with the
// code of the whole module under its name. What is kept was validated when it was written; a module with other bytes,
// another wazero or another CPU finds nothing and is compiled again. `make wazero-next` shows this with two releases.
package codestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"

	"github.com/tetratelabs/wazero"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmbin"
)

// Code is what a runtime needs to load a module: bytes for CompileModule, and the cache for its configuration.
type Code struct {
	Binary []byte
	Cache  wazero.CompilationCache

	store string // the module's folder
	work  string // the folder that wazero has as its cache; empty when it has none, or no longer
}

// In the module's folder: the hollow copy, and the machine code in the folders and under the names of wazero's cache.
const (
	hollowName = "hollow.wasm"
	codeName   = "code"
)

// wazeroRelease is the version of wazero in this binary, or "" when it is unknown. The build info of a test binary
// lacks it, so that wazero's own cache calls every release "dev" and takes the code of another; the path of wazero's
// source has it.
var wazeroRelease = sync.OnceValue(func() string {
	f := runtime.FuncForPC(reflect.ValueOf(wazero.NewRuntime).Pointer())
	file, _ := f.FileLine(f.Entry())
	_, rest, _ := strings.Cut(file, "github.com/tetratelabs/wazero@")
	release, _, _ := strings.Cut(rest, "/")
	return release
})

// storeOf is a module's folder for this release of wazero.
func storeOf(dir, hash string) string { return filepath.Join(dir, hash+"-"+wazeroRelease()) }

// Memory is code for one process only, not kept on disk.
func Memory(wasm []byte) *Code {
	return &Code{Binary: wasmbin.JoinData(wasm), Cache: wazero.NewCompilationCache()}
}

// Load returns the code of a module that was saved under dir, or nil when there is none. Call Used once the runtime has
// it.
func Load(dir, hash string) *Code {
	if wazeroRelease() == "" {
		return nil
	}
	c := &Code{store: storeOf(dir, hash)}
	var err error
	if c.Binary, err = os.ReadFile(filepath.Join(c.store, hollowName)); err != nil {
		return nil
	}
	if err := c.workFolder(dir, c.link); err != nil {
		return nil
	}
	return c
}

// link shows wazero the stored code, but not the store itself: should it find none, it compiles the hollow copy, and
// that must never get there.
func (c *Code) link() error {
	found, err := files(filepath.Join(c.store, codeName))
	if err != nil {
		return err
	}
	for _, name := range found {
		place := filepath.Join(c.work, name)
		if err := os.MkdirAll(filepath.Dir(place), 0o700); err != nil {
			return err
		}
		if err := os.Link(filepath.Join(c.store, codeName, name), place); err != nil {
			return err
		}
	}
	return nil
}

// Used is called once, when the runtime has the code and before the first call into the module. It returns false when
// wazero did not take the stored code but wrote its own, for the hollow copy, which traps wherever it is called.
func (c *Code) Used() bool {
	used := true
	found, err := files(c.work)
	for _, name := range found {
		was, err1 := os.Stat(filepath.Join(c.store, codeName, name))
		is, err2 := os.Stat(filepath.Join(c.work, name))
		used = used && err1 == nil && err2 == nil && os.SameFile(was, is)
	}
	return errors.Join(err, c.tidy()) == nil && used && len(found) > 0
}

// Fresh prepares a module that has to be compiled. Save keeps the code once the runtime has it.
func Fresh(dir, hash string, wasm []byte) (*Code, error) {
	c := &Code{Binary: wasmbin.JoinData(wasm), store: storeOf(dir, hash)}
	if err := c.workFolder(dir, nil); err != nil {
		return nil, fmt.Errorf("make the compilation cache: %w", err)
	}
	return c, nil
}

// workFolder makes the folder that wazero gets, next to the store, so that files can move between them.
func (c *Code) workFolder(dir string, fill func() error) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var err error
	if c.work, err = os.MkdirTemp(dir, "work-*"); err != nil {
		return err
	}
	if fill != nil {
		err = fill()
	}
	if err == nil {
		c.Cache, err = wazero.NewCompilationCacheWithDir(c.work)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(c.work))
	}
	return nil
}

// Save keeps the code that wazero has written, for Load. A module that cannot be hollowed out is not kept, nor is code of
// a wazero of unknown release.
func (c *Code) Save(ctx context.Context) error {
	hollow, ok := wasmbin.Hollow(c.Binary)
	if !ok || wazeroRelease() == "" {
		return c.tidy()
	}
	code, err := soleFile(c.work)
	if err != nil {
		return err
	}
	name, err := c.hollowCodeName(ctx, hollow)
	if err != nil {
		return err
	}
	place := filepath.Join(c.store, codeName, name)
	if err := os.MkdirAll(filepath.Dir(place), 0o700); err != nil {
		return fmt.Errorf("keep machine code: %w", err)
	}
	if err := os.Rename(filepath.Join(c.work, code), place); err != nil {
		return fmt.Errorf("keep machine code: %w", err)
	}
	staged := filepath.Join(c.work, hollowName)
	if err := errors.Join(os.WriteFile(staged, hollow, 0o600), os.Rename(staged, filepath.Join(c.store, hollowName))); err != nil {
		return fmt.Errorf("keep hollow module: %w", err)
	}
	return c.tidy()
}

// tidy removes wazero's folder: it has in memory what it read or wrote there. Should it ever need to compile again, it
// fails because the folder is gone.
func (c *Code) tidy() error {
	work := c.work
	c.work = ""
	return os.RemoveAll(work)
}

// hollowCodeName is the name under which wazero looks for the hollow copy's code, found by having wazero compile that
// copy.
func (c *Code) hollowCodeName(ctx context.Context, hollow []byte) (name string, err error) {
	trial := &Code{}
	if err := trial.workFolder(filepath.Dir(c.store), nil); err != nil {
		return "", fmt.Errorf("make the compilation cache: %w", err)
	}
	defer func() { err = errors.Join(err, trial.Close(ctx)) }()
	runtime := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCompilationCache(trial.Cache))
	defer func() { err = errors.Join(err, runtime.Close(ctx)) }()
	if _, err := runtime.CompileModule(ctx, hollow); err != nil {
		return "", fmt.Errorf("compile the hollow module: %w", err)
	}
	return soleFile(trial.work)
}

// Close releases the code, after all runtimes that have it.
func (c *Code) Close(ctx context.Context) error {
	err := c.Cache.Close(ctx)
	if c.work != "" {
		err = errors.Join(err, c.tidy())
	}
	return err
}

// files are the regular files under dir, by their path from there.
func files(dir string) ([]string, error) {
	var found []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		found = append(found, name)
		return err
	})
	return found, err
}

var errNotOneFile = errors.New("wazero's cache does not have exactly one file of the module")

func soleFile(dir string) (string, error) {
	found, err := files(dir)
	if err == nil && len(found) != 1 {
		err = errNotOneFile
	}
	if err != nil {
		return "", fmt.Errorf("keep machine code: %w", err)
	}
	return found[0], nil
}

// Package wasmbuild compiles Go packages of this repository to Wasm for tests and commands, so that no test runs against a stale module.
package wasmbuild

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// flags are those of the release build, so that what is tested is what is shipped.
// Version stamping is off: a commit that changes no source must not change the module.
var flags = []string{"-buildmode=c-shared", "-trimpath", "-buildvcs=false", "-ldflags=-s -w"}

// Package compiles the main package pkg ("./filter", relative to the repository root) and returns the module's
// absolute path. A compile error ends the test.
func Package(t testing.TB, pkg string) string {
	t.Helper()
	return PackageTags(t, pkg)
}

// PackageTags is Package with build tags. Each set of tags is a module of its own, next to the one without: "./filter"
// with the tag faultinjection is build/filter-faultinjection.wasm.
func PackageTags(t testing.TB, pkg string, tags ...string) string {
	t.Helper()
	path, err := Build(t.Context(), pkg, tags...)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Environment is what a build for the guest needs besides the process's own
// environment, as NAME=value. The collector of Go before 1.26 takes 44 KiB less
// than the one that 1.26 brings; a guest with one thread and some MiB has no
// use for the newer one.
func Environment() []string {
	env := []string{"GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0"}
	if strings.HasPrefix(runtime.Version(), "go1.26") { // the switch goes with 1.27
		env = append(env, "GOEXPERIMENT=nogreenteagc")
	}
	return env
}

// guestModules is a go.mod only for guests, next to the module's own. It has
// replacements, which a module that others install must not have.
const guestModules = "guest.mod"

// ModuleFlags are what the go command needs to build or list a guest of the module
// in root: its guest.mod, where it has one.
func ModuleFlags(root string) []string {
	path, err := filepath.Abs(filepath.Join(root, guestModules))
	if err != nil {
		return nil
	}
	if _, err := os.Stat(path); err != nil {
		return nil
	}
	return []string{"-modfile=" + path}
}

type result struct {
	path string
	err  error
}

var (
	mu    sync.Mutex
	built = map[string]result{}
)

// Build compiles the main package pkg, relative to the repository root, into build/NAME.wasm ("./filter" is
// build/filter.wasm; build tags are joined to the name) and returns its absolute path. It compiles once per process;
// across processes a file lock orders the builds, and the module appears by rename, so a reader never sees half of one.
func Build(ctx context.Context, pkg string, tags ...string) (string, error) {
	mu.Lock()
	defer mu.Unlock()
	name := outputName(pkg, tags...)
	if r, ok := built[name]; ok {
		return r.path, r.err
	}
	path, err := build(ctx, pkg, name, tags)
	if ctx.Err() == nil { // a cancelled build says nothing about the package
		built[name] = result{path, err}
	}
	return path, err
}

func build(ctx context.Context, pkg, name string, tags []string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	target := filepath.Join(root, "build", name)
	// The go command compares a finished binary's build id with the sources, and links again only when it is stale:
	// so its output stays in place between runs, next to the published copy.
	staged := filepath.Join(root, "build", "staged", name)
	if err := os.MkdirAll(filepath.Dir(staged), 0o755); err != nil {
		return "", fmt.Errorf("make the build folder: %w", err)
	}
	unlock, err := lock(filepath.Join(root, "build", "staged", "lock"))
	if err != nil {
		return "", err
	}
	defer unlock()

	args := append([]string{"build"}, flags...)
	args = append(args, ModuleFlags(root)...)
	if len(tags) > 0 {
		args = append(args, "-tags="+strings.Join(tags, ","))
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "-o", staged, pkg)...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), Environment()...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("compile %s to wasm: %w\n%s", pkg, err, bytes.TrimSpace(out))
	}
	if err := publish(staged, target); err != nil {
		return "", fmt.Errorf("publish %s: %w", target, err)
	}
	return target, nil
}

// publish copies staged over target by rename, and leaves target untouched when nothing changed.
func publish(staged, target string) error {
	next, err := os.ReadFile(staged)
	if err != nil {
		return err
	}
	if now, err := os.ReadFile(target); err == nil && bytes.Equal(now, next) {
		return nil
	}
	tmp, err := os.CreateTemp(filepath.Dir(target), filepath.Base(target)+".*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(next)
	err = errors.Join(err, tmp.Chmod(0o644), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), target)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}

func outputName(pkg string, tags ...string) string {
	name := strings.Trim(filepath.ToSlash(filepath.Clean(pkg)), "/.")
	return strings.Join(append([]string{strings.ReplaceAll(name, "/", "-")}, tags...), "-") + ".wasm"
}

// Root is the folder of the go.mod at or above the working directory.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the repository root: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("find the repository root: no go.mod at or above the working directory")
		}
		dir = parent
	}
}

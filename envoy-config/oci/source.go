package oci

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// OriginOf asks the go command, and git if it is there, about the package in dir. It is compiled for the guest, unless
// platform says otherwise, as in GOOS=linux, GOARCH=arm64.
func OriginOf(ctx context.Context, dir, pkg, command string, platform ...string) (Origin, error) {
	list := []string{"list", "-deps", "-json=ImportPath,Module,DepOnly"}
	if len(platform) == 0 {
		if _, err := os.Stat(filepath.Join(dir, "guest.mod")); err == nil { // see hostsim/wasmbuild
			list = append(list, "-modfile=guest.mod")
		}
		platform = []string{"GOOS=wasip1", "GOARCH=wasm"}
	}
	o := Origin{Command: command}
	version, err := output(ctx, dir, nil, "go", "env", "GOVERSION")
	if err != nil {
		return o, err
	}
	o.Go = strings.TrimSpace(version)
	listed, err := output(ctx, dir, platform, "go", append(list, pkg)...)
	if err != nil {
		return o, err
	}
	seen := map[string]bool{}
	for d := json.NewDecoder(strings.NewReader(listed)); ; {
		var p struct {
			ImportPath string
			DepOnly    bool
			Module     *struct {
				Path, Version, Sum string
				Main               bool
				Replace            *Module
			}
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return o, fmt.Errorf("read what go list says: %w", err)
		}
		if !p.DepOnly {
			o.Package = p.ImportPath
		}
		if p.Module == nil || p.Module.Main || seen[p.Module.Path] {
			continue
		}
		seen[p.Module.Path] = true
		m := Module{Path: p.Module.Path, Version: p.Module.Version, Sum: p.Module.Sum}
		if r := p.Module.Replace; r != nil {
			m = *r
		}
		o.Modules = append(o.Modules, m)
	}
	slices.SortFunc(o.Modules, func(a, b Module) int { return strings.Compare(a.Path, b.Path) })
	if revision, err := output(ctx, dir, nil, "git", "rev-parse", "HEAD"); err == nil { // a source archive has none
		o.Revision = strings.TrimSpace(revision)
	}
	return o, nil
}

func output(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, name, args...)
	var wrong bytes.Buffer
	c.Dir, c.Stderr = dir, &wrong
	c.Env = append(os.Environ(), env...)
	text, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("run %s %s: %w: %s", name, args[0], err, strings.TrimSpace(wrong.String()))
	}
	return string(text), nil
}

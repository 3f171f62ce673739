package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// update rewrites the files whose expectations are wrong. One that cannot be played stays as it is: playing it again
// says why.
func (s *session) update(ctx context.Context, files []*scenario.File) error {
	for _, f := range files {
		if _, skip := f.Skip(s.driver.Name()); skip || ctx.Err() != nil {
			continue
		}
		text, err := guarded(ctx, s.timeout, func(ctx context.Context) ([]byte, error) { return updated(ctx, f, s.driver) })
		if errors.Is(err, errStuck) {
			return found("%s: %v", f.Path, err)
		}
		if err != nil || text == nil {
			continue
		}
		changed, err := replaceFile(f.Path, text)
		if err != nil {
			return fmt.Errorf("update %s: %w: make it writable", f.Path, cause(err))
		}
		if changed && s.progress != nil {
			fmt.Fprintf(s.progress, "updated %s\n", f.Path)
		}
	}
	return nil
}

// updated is nil when the file is right.
func updated(ctx context.Context, f *scenario.File, d scenario.Driver) ([]byte, error) {
	report, err := scenario.Run(ctx, f, d)
	if err != nil || report.OK() {
		return nil, err
	}
	return scenario.Update(ctx, f, d)
}

// replaceFile writes a file whole or not at all. It follows symbolic links.
func replaceFile(path string, text []byte) (changed bool, err error) {
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return false, err
	}
	old, err := os.ReadFile(path)
	if err != nil || bytes.Equal(old, text) {
		return false, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	if info.Mode().Perm()&0o200 == 0 { // a rename would not check
		return false, fs.ErrPermission
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".hostsim-*")
	if err != nil {
		return false, err
	}
	_, err = tmp.Write(text)
	err = errors.Join(err, tmp.Chmod(info.Mode().Perm()), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return false, errors.Join(err, os.Remove(tmp.Name()))
	}
	return true, nil
}

package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/internal/config"
)

// maxFile bounds a file: comments and indentation make YAML larger than the JSON that it stands for.
const maxFile = 4 * config.MaxBytes

// Read reads a file.
func Read(path string) (*Document, error) {
	text, err := readBounded(path)
	if err != nil {
		return nil, err
	}
	d, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return d, nil
}

// ReadAll reads a file of one or more documents, each a mapping, as manifests of Kubernetes are. Empty ones are left out.
func ReadAll(path string) ([]*yaml.Node, error) {
	text, err := readBounded(path)
	if err != nil {
		return nil, err
	}
	var all []*yaml.Node
	for decoder := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var file yaml.Node
		switch err := decoder.Decode(&file); {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, fmt.Errorf("%s: read YAML: %s", path, strings.TrimPrefix(err.Error(), "yaml: "))
		}
		root := file.Content[0]
		switch {
		case root.Kind == yaml.MappingNode:
			all = append(all, root)
		case root.Tag != "!!null":
			return nil, fmt.Errorf("%s: read YAML: line %d: each document must be a mapping", path, root.Line)
		}
	}
}

// readBounded reads a file that is not too large.
func readBounded(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s: has %d bytes, which is more than %d", path, info.Size(), maxFile)
	}
	return os.ReadFile(path)
}

// Update changes a file under a lock that other commands respect: it is read, changed, checked by change, and replaced
// whole. Whoever reads it, and whenever this process dies, it is the old one or the new one. A missing file is an empty
// document. Nothing is written when change fails.
func Update(path string, change func(*Document) error) error {
	unlock, err := lock(path)
	if err != nil {
		return err
	}
	defer unlock()
	d, err := Read(path)
	mode := fs.FileMode(0o644)
	switch info, statErr := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		if d, err = Parse(nil); err != nil {
			return err
		}
	case err != nil:
		return err
	case statErr == nil:
		mode = info.Mode().Perm()
	}
	if err := change(d); err != nil {
		return err
	}
	return replace(path, d.text, mode)
}

// replace puts a new file in the place of an old one: written beside it, forced to disk, renamed.
func replace(path string, text []byte, mode fs.FileMode) (err error) {
	// Through a symbolic link it is the file that changes, not the link.
	if target, linkErr := filepath.EvalSymlinks(path); linkErr == nil {
		path = target
	}
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write beside %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(text); err != nil {
		return err
	}
	if err = f.Chmod(mode); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir forces a rename to disk, so that a key that was shown is not lost with the power.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}

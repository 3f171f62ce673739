package release

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// entry is a file of an archive.
type entry struct {
	name string
	mode int64
	data []byte
}

// tree is all files below dir, their names prefixed with prefix unless it is "".
func tree(dir, prefix string) (entries []entry, err error) {
	files := os.DirFS(dir)
	err = fs.WalkDir(files, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, file)
		entries = append(entries, entry{path.Join(prefix, file), 0o644, data})
		return err
	})
	return entries, err
}

// tar packs entries in the order of their names, all without an owner and with
// the time of the release.
func (r *release) tar(entries []entry) ([]byte, error) {
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, e := range entries {
		head := &tar.Header{Name: e.name, Mode: e.mode, Size: int64(len(e.data)), ModTime: r.made, Format: tar.FormatUSTAR}
		if err := w.WriteHeader(head); err != nil {
			return nil, err
		}
		if _, err := w.Write(e.data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// archive writes a gzipped tar archive without a name or a time of its own.
func (r *release) archive(name string, entries []entry) error {
	plain, err := r.tar(entries)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(plain); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return r.write(name, out.Bytes())
}

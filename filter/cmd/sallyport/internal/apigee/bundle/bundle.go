// Package bundle finds Apigee's bundles in archives and folders and reads their
// XML files, and nothing else: within bounds, and nothing outside.
package bundle

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/xmltree"
)

// Bounds of all that is read for one argument.
const (
	maxArchive = 256 << 20 // bytes of a zip file
	maxEntries = 50_000    // files and folders, read or not
	maxFiles   = 5_000     // XML files of bundles
	maxTotal   = 32 << 20  // their bytes
	maxDepth   = 32        // folders within folders
)

// Kind is what a bundle is.
type Kind string

// The kinds, by the name of their folder.
const (
	Proxy      Kind = "apiproxy"
	SharedFlow Kind = "sharedflowbundle"
)

// Bundle is the XML of one proxy or shared flow.
type Bundle struct {
	Kind Kind
	Name string // of the folder or archive around it; the manifest knows better
	Root string // as a person would look for it
	// Files are by their path below Root: "proxies/default.xml".
	Files map[string][]byte
}

// Paths are the files in a folder of the bundle, sorted; folder "" for those
// beside the folders.
func (b *Bundle) Paths(folder string) (paths []string) {
	for p := range b.Files {
		if dir := strings.TrimSuffix(path.Dir(p), "."); dir == folder {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	return paths
}

// folders are those of a bundle that hold XML which matters.
var folders = []string{"proxies", "targets", "policies", "sharedflows"}

// Read finds all bundles in a zip file or a folder, at whatever depth.
func Read(name string) ([]*Bundle, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	r := reader{argument: name, bundles: map[string]*Bundle{}}
	if info.IsDir() {
		err = r.folder(name)
	} else {
		err = r.archive(name, info)
	}
	if err != nil {
		return nil, err
	}
	found := r.found()
	if len(found) == 0 {
		return nil, fmt.Errorf("%s: contains no Apigee bundle: neither a folder apiproxy or sharedflowbundle, nor proxies, policies or sharedflows with XML files", name)
	}
	return found, nil
}

type reader struct {
	argument       string
	bundles        map[string]*Bundle // by the path of their root
	entries, files int
	total          int64
}

func (r *reader) found() []*Bundle {
	var list []*Bundle
	for _, b := range r.bundles {
		// Targets or a stray manifest alone are a folder of something else.
		if len(b.Paths("proxies"))+len(b.Paths("sharedflows"))+len(b.Paths("policies")) > 0 {
			list = append(list, b)
		}
	}
	slices.SortFunc(list, func(a, b *Bundle) int { return strings.Compare(a.Root, b.Root) })
	return list
}

func (r *reader) errorf(entry, format string, args ...any) error {
	return fmt.Errorf("%s: %w", r.shown(entry), fmt.Errorf(format, args...))
}

func (r *reader) shown(entry string) string {
	if entry == "" || entry == "." {
		return r.argument
	}
	return strings.TrimSuffix(filepath.ToSlash(r.argument), "/") + "/" + entry
}

// count bounds what is looked at.
func (r *reader) count() error {
	if r.entries++; r.entries > maxEntries {
		return r.errorf("", "more than %d files in it: name the bundles themselves", maxEntries)
	}
	return nil
}

func (r *reader) archive(name string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return r.errorf("", "neither a folder nor a file")
	}
	if info.Size() > maxArchive {
		return r.errorf("", "the archive has more than %d bytes", maxArchive)
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := zip.NewReader(f, info.Size())
	if err != nil {
		return r.errorf("", "not a zip file, or a damaged one")
	}
	seen := map[string]bool{}
	for _, entry := range z.File {
		if err := r.count(); err != nil {
			return err
		}
		if !safe(entry.Name) {
			return r.errorf("", "an entry whose path leaves the bundle or is not a plain path (%q): refused as a whole", cut(entry.Name))
		}
		if entry.Mode()&fs.ModeSymlink != 0 {
			return r.errorf(entry.Name, "a symbolic link, which a bundle does not need")
		}
		if entry.FileInfo().IsDir() {
			continue
		}
		key := strings.ToLower(entry.Name)
		if seen[key] && wanted(entry.Name) {
			return r.errorf(entry.Name, "is in the archive twice")
		}
		seen[key] = true
		if err := r.take(entry.Name, int64(min(entry.UncompressedSize64, 1<<62)), entry.Open); err != nil {
			return err
		}
	}
	return nil
}

func cut(s string) string {
	const shown = 100
	return s[:min(len(s), shown)]
}

// safe paths stay below where they begin, on every system.
func safe(name string) bool {
	name = strings.TrimSuffix(name, "/")
	return fs.ValidPath(name) && !strings.ContainsAny(name, "\\\x00:")
}

func (r *reader) folder(name string) error {
	root, err := os.OpenRoot(name)
	if err != nil {
		return err
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return r.errorf(p, "cannot be read")
		}
		if err := r.count(); err != nil {
			return err
		}
		switch {
		case d.IsDir():
			if base := d.Name(); p != "." && (base == ".git" || base == "node_modules") {
				return fs.SkipDir
			}
			if strings.Count(p, "/") > maxDepth {
				return r.errorf(p, "folders nested deeper than %d", maxDepth)
			}
			return nil
		case !wanted(r.inside(p)):
			return nil
		case !d.Type().IsRegular():
			return r.errorf(p, "not a regular file: a bundle does not need links")
		}
		info, err := d.Info()
		if err != nil {
			return r.errorf(p, "cannot be read")
		}
		return r.take(p, info.Size(), func() (io.ReadCloser, error) { return root.Open(p) })
	})
}

// inside adds the argument's own folder, which may be the apiproxy.
func (r *reader) inside(p string) string {
	if abs, err := filepath.Abs(r.argument); err == nil {
		return path.Join(filepath.Base(abs), p)
	}
	return p
}

// take reads one file if it is of a bundle.
func (r *reader) take(name string, size int64, open func() (io.ReadCloser, error)) error {
	full := r.inside(name)
	root, rest, ok := place(full)
	if !ok {
		return nil
	}
	if r.files++; r.files > maxFiles {
		return r.errorf("", "more than %d XML files in its bundles", maxFiles)
	}
	if size > xmltree.MaxBytes {
		return r.errorf(name, "has more than %d bytes", xmltree.MaxBytes)
	}
	f, err := open()
	if err != nil {
		return r.errorf(name, "cannot be read")
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, xmltree.MaxBytes+1))
	switch {
	case errors.Is(err, zip.ErrChecksum), err != nil:
		return r.errorf(name, "cannot be read, or is damaged")
	case len(text) > xmltree.MaxBytes:
		return r.errorf(name, "has more than %d bytes", xmltree.MaxBytes)
	}
	if r.total += int64(len(text)); r.total > maxTotal {
		return r.errorf("", "the XML files have more than %d bytes together", maxTotal)
	}
	r.add(root, rest, full, text)
	return nil
}

func (r *reader) add(root, rest, full string, text []byte) {
	b := r.bundles[root]
	if b == nil {
		kind := Proxy
		if path.Base(root) == string(SharedFlow) {
			kind = SharedFlow
		}
		outer := root
		if base := path.Base(root); base == string(Proxy) || base == string(SharedFlow) {
			outer = path.Dir(root)
		}
		name := path.Base(outer)
		if name == "." || name == "/" {
			name = r.ownName()
		}
		if strings.EqualFold(path.Ext(name), ".zip") {
			name = name[:len(name)-len(".zip")]
		}
		shown := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(full, path.Base(r.inside("."))), "/"), rest)
		b = &Bundle{Kind: kind, Name: name, Root: strings.TrimSuffix(r.shown(strings.TrimSuffix(shown, "/")), "/"), Files: map[string][]byte{}}
		r.bundles[root] = b
	}
	if strings.HasPrefix(rest, "sharedflows/") {
		b.Kind = SharedFlow
	}
	b.Files[rest] = text
}

// ownName is that of the folder around the argument's.
func (r *reader) ownName() string {
	abs, err := filepath.Abs(r.argument)
	if err != nil {
		return "proxy"
	}
	return filepath.Base(filepath.Dir(abs))
}

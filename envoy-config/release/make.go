package release

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	ocistore "oras.land/oras-go/v2/content/oci"

	"github.com/sallyport-gateway/sallyport/envoy-config/oci"
)

// moduleName is the module's name wherever it is published.
const moduleName = "sallyport.wasm"

// build compiles a package. Nothing about the machine gets into the result; the
// version does, from the tag.
func (r *release) build(ctx context.Context, env []string, pkg, out string, flags ...string) error {
	args := slices.Concat([]string{"build", "-trimpath", "-ldflags=-s -w", "-o", out}, flags, []string{pkg})
	_, err := r.run(ctx, append(env, "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off"), "go", args...)
	return err
}

// module takes the module that `make wasm` makes, and makes the image as an OCI
// layout in a tar archive.
func (r *release) module(ctx context.Context) error {
	if _, err := r.run(ctx, []string{"GOFLAGS=", "GOWORK=off"}, "make", "--silent", "wasm"); err != nil {
		return err
	}
	wasm, err := os.ReadFile(filepath.Join(r.Source, "build", moduleName))
	if err != nil {
		return err
	}
	if err := r.write(moduleName, wasm); err != nil {
		return err
	}
	layout, err := os.MkdirTemp("", "sallyport-image-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(layout)
	store, err := ocistore.NewWithContext(ctx, layout)
	if err != nil {
		return err
	}
	image, err := oci.Push(ctx, store, wasm, r.version)
	if err != nil {
		return err
	}
	entries, err := tree(layout, "")
	if err != nil {
		return err
	}
	archive, err := r.tar(entries)
	if err != nil {
		return err
	}
	origin, err := oci.OriginOf(ctx, r.Source, "./filter", "make release")
	if err != nil {
		return err
	}
	sbom, err := origin.SBOM(wasm)
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{
		"sallyport-image.tar": archive, "sallyport-image.digest": []byte(image.Digest.String() + "\n"), moduleName + ".sbom.cdx.json": sbom,
	} {
		if err := r.write(name, data); err != nil {
			return err
		}
	}
	return nil
}

// charts packs each chart under the release's version, as `helm package` would.
func (r *release) charts(context.Context) error {
	dir := filepath.Join(r.Source, "envoy-config", "helm")
	found, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	version := strings.TrimPrefix(r.version, "v")
	for _, chart := range found {
		entries, err := tree(filepath.Join(dir, chart.Name()), chart.Name())
		if err != nil {
			return err
		}
		for i, e := range entries {
			if e.name == path.Join(chart.Name(), "Chart.yaml") {
				if entries[i].data, err = stamped(e.data, version); err != nil {
					return err
				}
			}
		}
		if err := r.archive(chart.Name()+"-"+version+".tgz", entries); err != nil {
			return err
		}
	}
	return nil
}

// stamped puts the version into a Chart.yaml, replacing the two that are there.
func stamped(chart []byte, version string) ([]byte, error) {
	lines, replaced := strings.Split(string(chart), "\n"), 0
	for i, line := range lines {
		for prefix, value := range map[string]string{"version: ": version, "appVersion: ": `"` + version + `"`} {
			if strings.HasPrefix(line, prefix) {
				lines[i], replaced = prefix+value, replaced+1
			}
		}
	}
	if replaced != 2 {
		return nil, fmt.Errorf("the Chart.yaml has %d lines with a version, want version and appVersion", replaced)
	}
	return []byte(strings.Join(lines, "\n")), nil
}

// programs makes an archive of the commands for each platform, and lists what
// is in them.
func (r *release) programs(ctx context.Context) error {
	for _, p := range r.Platforms {
		dir, err := os.MkdirTemp("", "sallyport-commands-*")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		var entries []entry
		for _, name := range slices.Sorted(maps.Keys(commands)) {
			file := filepath.Join(dir, name)
			if err := r.build(ctx, []string{"GOOS=" + p.OS, "GOARCH=" + p.Arch}, commands[name], file, "-buildvcs=true"); err != nil {
				return err
			}
			data, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			entries = append(entries, entry{name, 0o755, data})
		}
		for _, name := range []string{"LICENSE", "README.md", "CHANGELOG.md"} {
			data, err := os.ReadFile(filepath.Join(r.Source, name))
			if err != nil {
				return err
			}
			entries = append(entries, entry{name, 0o644, data})
		}
		if err := r.archive("sallyport_"+strings.TrimPrefix(r.version, "v")+"_"+p.String()+".tar.gz", entries); err != nil {
			return err
		}
	}
	return r.programsSBOM(ctx)
}

// programsSBOM lists the modules that the commands link, for all platforms.
func (r *release) programsSBOM(ctx context.Context) error {
	for name, pkg := range commands {
		origin, err := oci.OriginOf(ctx, r.Source, pkg, "make release", "GOOS=linux", "GOARCH=amd64")
		if err != nil {
			return err
		}
		sbom, err := origin.SBOM(nil)
		if err != nil {
			return err
		}
		if err := r.write(name+".sbom.cdx.json", sbom); err != nil {
			return err
		}
	}
	return nil
}

// describe writes the checksums of all files, as sha256sum does, and what they
// were made of.
func (r *release) describe(ctx context.Context) error {
	files, err := fs.Glob(os.DirFS(r.Out), "*")
	if err != nil {
		return err
	}
	subjects, sums := map[string]string{}, ""
	for _, name := range files {
		data, err := os.ReadFile(filepath.Join(r.Out, name))
		if err != nil {
			return err
		}
		sum := sha256.Sum256(data)
		subjects[name] = hex.EncodeToString(sum[:])
		sums += subjects[name] + "  " + name + "\n"
	}
	if err := r.write("SHA256SUMS", []byte(sums)); err != nil {
		return err
	}
	origin, err := oci.OriginOf(ctx, r.Source, "./filter", "make release")
	if err != nil {
		return err
	}
	provenance, err := origin.Statement(subjects)
	if err != nil {
		return err
	}
	return r.write("provenance.json", provenance)
}

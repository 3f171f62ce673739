package bundle_test

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/bundle"
)

func zipped(t testing.TB, names ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, name := range names {
		w, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(w, "<A/>")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestReadFindsBundles wherever people keep them: in archives and folders alike.
func TestReadFindsBundles(t *testing.T) {
	for name, tt := range map[string]struct{ files, want []string }{
		"as Apigee exports it":       {[]string{"apiproxy/orders.xml", "apiproxy/proxies/default.xml", "apiproxy/policies/A.xml", "apiproxy/resources/jsc/a.js"}, []string{"apiproxy x: orders.xml policies/A.xml proxies/default.xml"}},
		"without the folder":         {[]string{"proxies/default.xml", "policies/A.xml"}, []string{"apiproxy x: policies/A.xml proxies/default.xml"}},
		"deep, with its build":       {[]string{"pom.xml", "src/gateway/orders/pom.xml", "src/gateway/orders/apiproxy/proxies/default.xml", "src/gateway/orders/apiproxy/policies/A.XML"}, []string{"apiproxy orders: policies/A.XML proxies/default.xml"}},
		"two proxies, a shared flow": {[]string{"a/apiproxy/proxies/default.xml", "b/apiproxy/proxies/default.xml", "s/sharedflowbundle/sharedflows/default.xml", "s/sharedflowbundle/s.xml"}, []string{"apiproxy a: proxies/default.xml", "apiproxy b: proxies/default.xml", "sharedflowbundle s: s.xml sharedflows/default.xml"}},
		"a shared flow, bare":        {[]string{"s/sharedflows/default.xml", "s/policies/A.xml"}, []string{"sharedflowbundle s: policies/A.xml sharedflows/default.xml"}},
		"what a Mac adds":            {[]string{"apiproxy/proxies/default.xml", "__MACOSX/apiproxy/proxies/._default.xml", "apiproxy/policies/._A.xml"}, []string{"apiproxy x: proxies/default.xml"}},
		"deeper than policies are":   {[]string{"apiproxy/proxies/default.xml", "apiproxy/policies/old/A.xml", "apiproxy/resources/xsd/policies/B.xml"}, []string{"apiproxy x: proxies/default.xml"}},
	} {
		dir := t.TempDir()
		archive, folder := filepath.Join(dir, "x.zip"), filepath.Join(dir, "x")
		if err := os.WriteFile(archive, zipped(t, tt.files...), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, f := range tt.files {
			if err := os.MkdirAll(filepath.Join(folder, filepath.Dir(f)), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, f), []byte("<A/>"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, from := range []string{archive, folder} {
			found, err := bundle.Read(from)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			var got []string
			for _, b := range found {
				var files []string
				for f := range b.Files {
					files = append(files, f)
				}
				slices.Sort(files)
				got = append(got, string(b.Kind)+" "+b.Name+": "+strings.Join(files, " "))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s, %s: -want +got:\n%s", name, filepath.Base(from), diff)
			}
		}
	}
}

func TestReadRefusesLinks(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "secret.xml")
	policies := filepath.Join(dir, "apiproxy", "policies")
	if err := os.MkdirAll(policies, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(outside, []byte("<A/>"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(policies, "A.xml")); err != nil {
		t.Skip("no symbolic links here")
	}
	if b, err := bundle.Read(dir); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("%v, %v", b, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(zipped(f, "apiproxy/proxies/default.xml"))
	f.Add(zipped(f, "../apiproxy/proxies/default.xml"))
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Fuzz(func(t *testing.T, archive []byte) {
		name := filepath.Join(t.TempDir(), "x.zip")
		if err := os.WriteFile(name, archive, 0o600); err != nil {
			t.Fatal(err)
		}
		found, err := bundle.Read(name)
		if err == nil && len(found) == 0 {
			t.Fatal("neither a bundle nor an error")
		}
		for _, b := range found {
			for file := range b.Files {
				if strings.Contains(file, "..") && strings.Count(file, "/") > 1 {
					t.Fatalf("%q", file)
				}
			}
		}
	})
}

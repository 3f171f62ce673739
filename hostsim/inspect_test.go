package hostsim_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/forge"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// refusals are what Envoy says about forge.Specimens, as measured on 1.36.4, 1.37.0, 1.38.2, 1.39.3 and 1.40.0; a text
// that begins with a version belongs to that and the later ones, with "-" and a version to that and the earlier ones. A
// specimen without a line loads everywhere.
var refusals = map[string][]string{
	"empty":                       {"Plugin failed to load"},
	"five bytes":                  {"Missing or unknown Proxy-Wasm ABI version"},
	"text":                        {"Failed to parse corrupted Wasm module"},
	"cut in a section":            {"Failed to parse corrupted Wasm module"},
	"version 2":                   {"Failed to load Wasm bytecode"},
	"data longer than the file":   {"Failed to load Wasm bytecode"},
	"more types than bytes":       {"Failed to load Wasm bytecode"},
	"body that does not validate": {"Failed to load Wasm bytecode"},

	"no marker":               {"Missing or unknown Proxy-Wasm ABI version"},
	"marker 0.3.0":            {"Missing or unknown Proxy-Wasm ABI version"},
	"markers 0.1.0 and 0.2.1": {"Bad function signature for: proxy_on_request_headers, want: i32 i32 -> i32, but the module exports: i32 i32 i32 -> i32"},

	"no allocator": {"Wasm module is missing malloc function."},
	"allocator of another type": {"Bad function signature for: malloc, want: i32 -> i32, but the module exports: i64 -> i32",
		"Wasm module is missing malloc function."},

	"callback of another type":          {"Bad function signature for: proxy_on_tick, want: i32 -> void, but the module exports: i32 i32 -> i32"},
	"callback of ABI 0.2 in 0.1":        {"Bad function signature for: proxy_on_request_headers, want: i32 i32 -> i32, but the module exports: i32 i32 i32 -> i32"},
	"metadata callback of another type": {"Bad function signature for: proxy_on_request_metadata, want: i32 i32 -> i32, but the module exports: i32 -> void"},
	"foreign callback of another type":  {"Bad function signature for: proxy_on_foreign_function, want: i32 i32 i32 -> void, but the module exports: i32 -> void"},
	"two callbacks of another type": {"Bad function signature for: proxy_on_tick, want: i32 -> void, but the module exports: i32 i32 -> i32",
		"Bad function signature for: proxy_on_log, want: i32 -> void, but the module exports: void -> void"},

	"_initialize of another type": {"Bad function signature for: _initialize, want: void -> void, but the module exports: i32 -> void"},
	"main of another type":        {"Bad function signature for: main, want: i32 i32 -> i32, but the module exports: void -> i32"},
	"__main_void of another type": {"1.39 Bad function signature for: __main_void, want: void -> i32, but the module exports: i32 -> void"},
	"_start of another type":      {"Bad function signature for: _start, want: void -> void, but the module exports: void -> i32"},

	"global": {"Failed to load Wasm module due to a missing import: env.g"},
	"two unknown imports": {"Failed to load Wasm module due to a missing import: env.proxy_launch",
		"Failed to load Wasm module due to a missing import: go.debug"},
	"import env.proxy_launch(i)i":          {"Failed to load Wasm module due to a missing import: env.proxy_launch"},
	"import env.proxy_log(ii)i":            {"Failed to load Wasm module due to an import type mismatch: env.proxy_log, want: i32 i32 -> i32, but host exports: i32 i32 i32 -> i32"},
	"import env.proxy_log(iii)":            {"Failed to load Wasm module due to an import type mismatch: env.proxy_log, want: i32 i32 i32 -> void, but host exports: i32 i32 i32 -> i32"},
	"import env.proxy_continue_request()i": {"Failed to load Wasm module due to a missing import: env.proxy_continue_request"},

	"import wasi_unstable.path_filestat_get(iiiii)i":          {"-1.38 Failed to load Wasm module due to a missing import: wasi_unstable.path_filestat_get"},
	"import wasi_snapshot_preview1.path_filestat_get(iiiii)i": {"-1.38 Failed to load Wasm module due to a missing import: wasi_snapshot_preview1.path_filestat_get"},
	"import wasi_snapshot_preview1.path_link(iiiiiii)i": {"-1.38 Failed to load Wasm module due to a missing import: wasi_snapshot_preview1.path_link",
		"1.39 Failed to load Wasm module due to an import type mismatch: wasi_snapshot_preview1.path_link, want: i32 i32 i32 i32 i32 i32 i32 -> i32, but host exports: i32 i32 i32 i32 i32 i32 -> i32"},
	"import wasi_snapshot_preview1.path_symlink(iiiii)i": {"-1.38 Failed to load Wasm module due to a missing import: wasi_snapshot_preview1.path_symlink",
		"1.39 Failed to load Wasm module due to an import type mismatch: wasi_snapshot_preview1.path_symlink, want: i32 i32 i32 i32 i32 -> i32, but host exports: i32 i32 i32 i32 -> i32"},
	"import wasi_snapshot_preview1.fd_renumber(ii)i":           {"-1.38 Failed to load Wasm module due to a missing import: wasi_snapshot_preview1.fd_renumber"},
	"import wasi_snapshot_preview1.fd_fdstat_set_rights(iII)i": {"-1.38 Failed to load Wasm module due to a missing import: wasi_snapshot_preview1.fd_fdstat_set_rights"},
	"import wasi_snapshot_preview1.proc_raise(i)i":             {"Failed to load Wasm module due to a missing import: wasi_snapshot_preview1.proc_raise"},
}

// wordsFor picks the refusals of a profile.
func wordsFor(profile string, all []string) []string {
	var out []string
	for _, w := range all {
		upTo, text, isUpTo := strings.Cut(strings.TrimPrefix(w, "-"), " ")
		switch {
		case strings.HasPrefix(w, "-") && isUpTo:
			if profile <= upTo {
				out = append(out, text)
			}
		case strings.HasPrefix(w, "1."):
			if profile >= upTo {
				out = append(out, text)
			}
		default:
			out = append(out, w)
		}
	}
	return out
}

func TestInspectRefusals(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range forge.Specimens() {
		seen[s.Name] = true
		t.Run(s.Name, func(t *testing.T) {
			in := hostsim.Inspect(t.Context(), s.Wasm)
			for i, profile := range hostsim.Profiles() {
				v := in.Verdicts[i]
				var got []string
				for _, r := range v.Refusal {
					got = append(got, r.Words)
				}
				want := wordsFor(profile, refusals[s.Name])
				if diff := cmp.Diff(want, got); diff != "" || v.Profile != profile || v.Loads != (len(want) == 0) {
					t.Errorf("%+v (-want +got):\n%s", v, diff)
				}
			}
		})
	}
	for name := range refusals {
		if !seen[name] {
			t.Errorf("no specimen %q", name)
		}
	}
}

// What Inspect says of a module is what becomes of it.
func TestInspectAgreesWithLoading(t *testing.T) {
	for _, s := range forge.Specimens() {
		if s.Name == "no memory" { // here it is an error, in Envoy an accident waiting to happen
			continue
		}
		t.Run(s.Name, func(t *testing.T) { agrees(t, s.Wasm) })
	}
}

func agrees(t *testing.T, wasm []byte) {
	t.Helper()
	root, err := wasmbuild.Root()
	if err != nil {
		t.Fatal(err)
	}
	cache := filepath.Join(root, "build", "wazero")
	for _, v := range hostsim.Inspect(t.Context(), wasm).Verdicts {
		err := loads(t, wasm, v.Profile, cache)
		var load *hostsim.LoadError
		if refused := errors.As(err, &load); refused == v.Loads {
			t.Errorf("Envoy %s: inspected as loads=%v, loading said %v", v.Profile, v.Loads, err)
		} else if refused && !strings.HasPrefix(load.Reason, v.Refusal[0].Words) {
			t.Errorf("Envoy %s: inspected as %q, loading said %q", v.Profile, v.Refusal[0].Words, load.Reason)
		}
	}
}

// loads is what loading the module into one Envoy version comes to.
func loads(t *testing.T, wasm []byte, profile, cache string) error {
	t.Helper()
	m, err := hostsim.Compile(t.Context(), wasm, hostsim.CompileOptions{CacheDir: cache})
	if err != nil {
		return err
	}
	h, err := m.New(t.Context(), hostsim.WithProfile(profile))
	if err == nil {
		err = h.Close(t.Context())
	}
	if closing := m.Close(t.Context()); closing != nil {
		t.Error(closing)
	}
	return err
}

// Every guest of the repository is described, and the description agrees with what loading it does.
// refused are guests that are made to be refused, by the profiles that must refuse them; cases of testdata/fidelity
// hold each against real Envoys.
var refused = map[string][]string{
	"./hostsim/wasmbuild/testdata/guest":     hostsim.Profiles(), // a Go program that is no filter
	"./hostsim/testdata/guests/nomarker":     hostsim.Profiles(),
	"./hostsim/testdata/guests/badsignature": hostsim.Profiles(),
	"./hostsim/testdata/guests/linkfile":     hostsim.Profiles(),
	"./hostsim/testdata/guests/statfile":     {"1.36", "1.37", "1.38"},
}

func TestInspectRepositoryGuests(t *testing.T) {
	root, err := wasmbuild.Root()
	if err != nil {
		t.Fatal(err)
	}
	guests := guestPackages(t, root)
	for _, wanted := range []string{"./filter", "./hostsim/testdata/guests/scripted", "./hostsim/wasmbuild/testdata/guest"} {
		if !slices.Contains(guests, wanted) {
			t.Fatalf("%s is not among the guests %v", wanted, guests)
		}
	}
	for _, pkg := range guests {
		t.Run(strings.TrimPrefix(pkg, "./"), func(t *testing.T) {
			wasm, err := os.ReadFile(wasmbuild.Package(t, pkg))
			if err != nil {
				t.Fatal(err)
			}
			in := hostsim.Inspect(t.Context(), wasm)
			if len(in.Imports) == 0 || !slices.Contains(in.Start, "_initialize") {
				t.Errorf("imports %v, start %v: what the compiler always makes is missing", in.Imports, in.Start)
			}
			agrees(t, wasm)
			hollow := pkg == "./hostsim/wasmbuild/testdata/guest" || pkg == "./hostsim/testdata/guests/nomarker"
			if hollow != (in.ABI == "") {
				t.Errorf("ABI %q", in.ABI)
			}
			if !hollow && (in.Allocator == "" || len(in.Callbacks) == 0 || len(in.Warnings) > 0) {
				t.Errorf("allocator %q, callbacks %v, warnings %v", in.Allocator, in.Callbacks, in.Warnings)
			}
			for _, v := range in.Verdicts {
				if v.Loads == slices.Contains(refused[pkg], v.Profile) {
					t.Errorf("%+v", v)
				}
			}
		})
	}
}

// guestPackages are the folders with a main.go that is for Wasm: under filter/, or under a testdata folder.
func guestPackages(t *testing.T, root string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "build" || strings.HasPrefix(d.Name(), ".")) {
			return fs.SkipDir
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil || d.Name() != "main.go" {
			return err
		}
		rel = filepath.ToSlash(rel)
		text, err := os.ReadFile(path)
		broken := strings.HasSuffix(rel, "testdata/broken") // does not compile, on purpose
		if rel == "filter" || strings.Contains(string(text), "//go:build wasip1") || strings.Contains(rel, "/testdata/") && !broken {
			out = append(out, "./"+rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestInspectDescribes(t *testing.T) {
	i := slices.IndexFunc(forge.Specimens(), func(s forge.Specimen) bool { return s.Name == "TinyGo" })
	in := hostsim.Inspect(t.Context(), forge.Specimens()[i].Wasm)
	unknown := []string{}
	for _, e := range in.Exports {
		if !e.Known {
			unknown = append(unknown, e.Name)
		}
	}
	type facts struct {
		ABI, Allocator                                     string
		Start, Callbacks, Unknown, Producers, Markers, Few []string
	}
	got := facts{in.ABI, in.Allocator, in.Start, in.Callbacks, unknown, in.Producers, in.Markers, in.Warnings}
	want := facts{"0.2.0", "malloc", []string{"_start"},
		[]string{"proxy_on_vm_start", "proxy_on_configure", "proxy_on_context_create", "proxy_on_request_headers",
			"proxy_on_response_headers", "proxy_on_http_call_response", "proxy_on_log", "proxy_on_done", "proxy_on_delete"},
		[]string{"free", "calloc", "realloc", "proxy_on_memory_allocate", "asyncify_start_unwind", "asyncify_stop_unwind"},
		[]string{"TinyGo 0.41.0"}, []string{"proxy_abi_version_0_2_0"}, []string{}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if first := in.Imports[0]; first.Module != "wasi_snapshot_preview1" || first.Name != "fd_write" || len(first.Profiles) != 5 {
		t.Errorf("first import %+v", first)
	}
}

func FuzzInspect(f *testing.F) {
	for _, s := range forge.Specimens() {
		f.Add(s.Wasm)
	}
	f.Fuzz(func(t *testing.T, wasm []byte) {
		in := hostsim.Inspect(context.Background(), wasm)
		for _, v := range in.Verdicts {
			if v.Loads != (len(v.Refusal) == 0) || v.Loads && in.ABI == "" {
				t.Errorf("%+v with ABI %q", v, in.ABI)
			}
		}
	})
}

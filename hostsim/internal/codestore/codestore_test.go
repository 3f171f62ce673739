package codestore

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/forge"
)

const hash = "the-hash"

func guest(answer int) []byte {
	return forge.Guest("0_2_1").Data(100, "abc").Data(110, "def").Body("answer", "", "i", forge.Push(answer)...).Bytes()
}

// answer compiles the code, asks whether the store was of use, and calls the guest.
func answer(t *testing.T, c *Code, stored bool) (result uint64, used bool) {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCompilationCache(c.Cache))
	defer func() { _ = r.Close(ctx) }()
	code, err := r.CompileModule(ctx, c.Binary)
	if err != nil {
		return 0, false
	}
	if stored {
		if !c.Used() {
			return 0, false
		}
	} else if err := c.Save(ctx); err != nil {
		t.Fatal(err)
	}
	m, err := r.InstantiateModule(ctx, code, wazero.NewModuleConfig())
	if err != nil {
		t.Fatal(err)
	}
	results, err := m.ExportedFunction("answer").Call(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return results[0], true
}

func save(t *testing.T, dir string) {
	t.Helper()
	c, err := Fresh(dir, hash, guest(42))
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := answer(t, c, false); got != 42 {
		t.Fatalf("fresh code answers %d", got)
	}
	if err := c.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// load is what the stored code answers; ok is false when there is none of use.
func load(t *testing.T, dir string) (got uint64, ok bool) {
	t.Helper()
	c := Load(dir, hash)
	if c == nil {
		return 0, false
	}
	defer func() {
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	return answer(t, c, true)
}

func TestStore(t *testing.T) {
	dir := t.TempDir()
	if _, ok := load(t, dir); ok {
		t.Fatal("an empty store has code")
	}
	save(t, dir)
	for range 2 {
		if got, ok := load(t, dir); !ok || got != 42 {
			t.Errorf("stored code answers %d, ok %v", got, ok)
		}
	}
	if c := Load(dir, "another-hash"); c != nil {
		t.Error("code of a module that was never saved")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != filepath.Base(storeOf(dir, hash)) {
		t.Errorf("left in the store: %v, %v", entries, err)
	}
}

// TestStoreSpoiled: what is damaged, or of another wazero or CPU, is of no use, is never run, and is mended by the next
// that compiles.
func TestStoreSpoiled(t *testing.T) {
	rewrite := func(t *testing.T, path string, change func([]byte) []byte) {
		t.Helper()
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, change(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	flip := func(at func(b []byte) int) func([]byte) []byte {
		return func(b []byte) []byte { b[at(b)] ^= 0x40; return b }
	}
	for _, tt := range []struct {
		name  string
		spoil func(t *testing.T, hollow, code string)
	}{
		{"no machine code", func(t *testing.T, _, code string) {
			if err := os.Remove(code); err != nil {
				t.Fatal(err)
			}
		}},
		{"machine code under another name", func(t *testing.T, _, code string) {
			if err := os.Rename(code, filepath.Join(filepath.Dir(code), "00")); err != nil {
				t.Fatal(err)
			}
		}},
		{"machine code of another wazero", func(t *testing.T, _, code string) {
			rewrite(t, code, flip(func([]byte) int { return 7 })) // its version
		}},
		{"machine code damaged", func(t *testing.T, _, code string) {
			rewrite(t, code, flip(func(b []byte) int { return len(b) - 20 }))
		}},
		{"machine code cut short", func(t *testing.T, _, code string) {
			rewrite(t, code, func(b []byte) []byte { return b[:len(b)/2] })
		}},
		{"machine code empty", func(t *testing.T, _, code string) {
			rewrite(t, code, func([]byte) []byte { return nil })
		}},
		{"hollow module damaged", func(t *testing.T, hollow, _ string) {
			rewrite(t, hollow, flip(func(b []byte) int { return len(b) - 1 }))
		}},
		{"hollow module cut short", func(t *testing.T, hollow, _ string) {
			rewrite(t, hollow, func(b []byte) []byte { return b[:20] })
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			save(t, dir)
			code, err := soleFile(filepath.Join(storeOf(dir, hash), codeName))
			if err != nil {
				t.Fatal(err)
			}
			tt.spoil(t, filepath.Join(storeOf(dir, hash), hollowName), filepath.Join(storeOf(dir, hash), codeName, code))
			if got, ok := load(t, dir); ok {
				t.Errorf("it was run, and answers %d", got)
			}
			save(t, dir)
			if got, ok := load(t, dir); !ok || got != 42 {
				t.Errorf("mended code answers %d, ok %v", got, ok)
			}
		})
	}
}

// TestStoreTogether: several processes fill and read one store.
func TestStoreTogether(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 5 {
				if i%2 == 0 {
					save(t, dir)
				}
				if got, ok := load(t, dir); ok && got != 42 {
					t.Errorf("stored code answers %d", got)
				}
			}
		})
	}
	wg.Wait()
	if got, ok := load(t, dir); !ok || got != 42 {
		t.Errorf("in the end it answers %d, ok %v", got, ok)
	}
}

func TestMemory(t *testing.T) {
	c := Memory(guest(7))
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCompilationCache(c.Cache))
	m, err := r.Instantiate(ctx, c.Binary)
	if err != nil {
		t.Fatal(err)
	}
	if results, err := m.ExportedFunction("answer").Call(ctx); err != nil || results[0] != 7 {
		t.Errorf("%v, %v", results, err)
	}
	if err := r.Close(ctx); err != nil {
		t.Error(err)
	}
	if err := c.Close(ctx); err != nil {
		t.Error(err)
	}
}

var between = flag.String("store", "", "the folder that make wazero-next hands from one release of wazero to the other")

// TestStoreBetweenReleases: what another release of wazero has kept is never run.
func TestStoreBetweenReleases(t *testing.T) {
	dir := *between
	if dir == "" {
		dir = t.TempDir()
	}
	if wazeroRelease() == "" {
		t.Fatal("the release of wazero is unknown")
	}
	own := storeOf(dir, hash)
	_, err := os.Stat(own)
	got, ok := load(t, dir)
	if ok != (err == nil) || ok && got != 42 {
		t.Errorf("code of use %v, answering %d; kept by this release: %v", ok, got, err == nil)
	}
	save(t, dir)
	if got, ok := load(t, dir); !ok || got != 42 {
		t.Errorf("code of this release answers %d, of use %v", got, ok)
	}
	kept, err := os.ReadDir(dir)
	t.Logf("wazero %s; kept: %v, %v", wazeroRelease(), kept, err)
}

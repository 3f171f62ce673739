package wasmbin

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/forge"
)

// withSection puts a section before the code.
func withSection(t *testing.T, wasm []byte, id byte, body []byte) []byte {
	t.Helper()
	parts, ok := sections(wasm)
	if !ok {
		t.Fatal("not whole")
	}
	out := bytes.Clone(wasm[:headerSize])
	for _, s := range parts {
		if s.id == sectionCode {
			out = appendSection(out, id, body)
		}
		out = append(out, s.whole...)
	}
	return out
}

func guestWithData() *forge.Module {
	return forge.Guest("0_2_1").Body("answer", "", "i", forge.Push(42)...)
}

func segments(t *testing.T, wasm []byte) int {
	t.Helper()
	parts, _ := sections(wasm)
	for _, s := range parts {
		if s.id == sectionData {
			n, _ := binary.Uvarint(s.body)
			return int(n)
		}
	}
	return 0
}

func TestJoinData(t *testing.T) {
	plain := guestWithData().Data(2000, "one").Data(2010, "two").Data(1000, "before").Data(1006, "behind it").Data(9000, "far").Bytes()
	for _, tt := range []struct {
		name string
		in   []byte
		want int // segments
	}{
		{"neighbours, out of order", plain, 3},
		{"at the end of memory", guestWithData().Data(65530, "abc").Data(65533, "def").Bytes(), 1},
		{"overlap", guestWithData().Data(100, "abc").Data(102, "def").Bytes(), 2},
		{"code may name segments", withSection(t, plain, sectionDataCount, []byte{5}), 5},
		{"no data", guestWithData().Bytes(), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := JoinData(tt.in)
			if got := segments(t, out); got != tt.want {
				t.Errorf("%d segments, want %d", got, tt.want)
			}
			if before, after := memory(t, tt.in), memory(t, out); !bytes.Equal(before, after) {
				t.Error("memory differs")
			}
		})
	}
	t.Run("a gap too wide", func(t *testing.T) {
		in := guestWithData().Data(100, "a").Data(102+maxZeroGap, "b").Bytes()
		if got := JoinData(in); segments(t, got) != 2 {
			t.Errorf("%d segments", segments(t, got))
		}
	})
	for name, in := range map[string][]byte{
		"nothing": nil, "not Wasm": []byte("text, and longer than a header"), "cut short": plain[:len(plain)-3],
		"data cut short": appendSection(bytes.Clone(guestWithData().Bytes()), sectionData, []byte{2, 0, opI32Const, 1, opEnd, 1, 'x'}),
		"passive":        appendSection(bytes.Clone(guestWithData().Bytes()), sectionData, []byte{1, 1, 1, 'x'}),
		"place computed": appendSection(bytes.Clone(guestWithData().Bytes()), sectionData, []byte{1, 0, 0x23, 0, opEnd, 1, 'x'}),
	} {
		t.Run(name+" comes back as it was", func(t *testing.T) {
			if out := JoinData(in); !bytes.Equal(out, in) {
				t.Errorf("%x became %x", in, out)
			}
		})
	}
}

func TestHollow(t *testing.T) {
	in := guestWithData().Data(100, "kept").Body("other", "iI", "I", 0x20, 1).Custom("name", []byte{1, 1, 0}).Bytes()
	out, ok := Hollow(in)
	if !ok || len(out) >= len(in)+20 {
		t.Fatalf("ok %v, %d bytes of %d", ok, len(out), len(in))
	}
	was, err := Read(in)
	if err != nil {
		t.Fatal(err)
	}
	is, err := Read(out)
	if err != nil || len(is.Exports) != len(was.Exports) || len(is.Imports) != len(was.Imports) {
		t.Errorf("outline: %v, %v", is, err)
	}
	if !bytes.Equal(memory(t, in), memory(t, out)) {
		t.Error("memory differs")
	}
	m := instance(t, out)
	if _, err := m.ExportedFunction("answer").Call(context.Background()); err == nil {
		t.Error("a hollow function returned")
	}
	if _, ok := Hollow(in[:len(in)-1]); ok {
		t.Error("hollowed out what is cut short")
	}
}

// TestCheckSizes: modules that declare more than they have. The engine is not asked: it would believe them.
func TestCheckSizes(t *testing.T) {
	whole := guestWithData().Data(2000, "one").Bytes()
	if err := CheckSizes(whole); err != nil {
		t.Errorf("a good module: %v", err)
	}
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0x07}
	with := func(id byte, body ...byte) []byte { return appendSection(bytes.Clone(whole), id, body) }
	for name, in := range map[string][]byte{
		"types":          with(sectionType, huge...),
		"parameters":     with(sectionType, append([]byte{1, functionForm}, huge...)...),
		"imports":        with(sectionImport, huge...),
		"functions":      with(sectionFunction, huge...),
		"tables":         with(4, huge...),
		"globals":        with(6, huge...),
		"exports":        with(sectionExport, huge...),
		"elements":       with(sectionElement, huge...),
		"element items":  with(sectionElement, append([]byte{1, 0, opI32Const, 0, opEnd}, huge...)...),
		"passive items":  with(sectionElement, append([]byte{1, 1, 0}, huge...)...),
		"bodies":         with(sectionCode, huge...),
		"locals":         with(sectionCode, append(append([]byte{1, 9, 1}, huge...), 0x7f, 0, opEnd)...),
		"segments":       with(sectionData, huge...),
		"data":           with(sectionData, append([]byte{1, 0, opI32Const, 0, opEnd}, huge...)...),
		"passive data":   with(sectionData, append([]byte{1, 1}, huge...)...),
		"function names": with(sectionCustom, append([]byte("\x04name\x01\x05"), huge...)...),
		"local names":    with(sectionCustom, append([]byte("\x04name\x02\x07\x01\x00"), huge...)...),
		"cut short":      whole[:len(whole)-1],
	} {
		if err := CheckSizes(in); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, in := range map[string][]byte{
		"a type of another form":   with(sectionType, 1, 0x5f, 0xff, 0xff),
		"an unknown expression":    with(sectionData, 1, 0, 0xfd, 0xff, 0xff),
		"an unknown element kind":  with(sectionElement, 1, 9, 0xff),
		"fifty thousand of locals": with(sectionCode, 1, 7, 1, 0xd0, 0x86, 0x03, 0x7f, 0, opEnd),
	} {
		if err := CheckSizes(in); err != nil {
			t.Errorf("%s is for the engine to judge: %v", name, err)
		}
	}
}

// FuzzRewrite: what the engine takes it takes as well after either change, and nothing makes them panic.
func FuzzRewrite(f *testing.F) {
	f.Add(guestWithData().Data(2000, "one").Data(2010, "two").Data(1000, "before").Bytes())
	f.Add(forge.New().Import("env", "proxy_log", "iii", "i").Memory().ABI("0_2_0").Data(0, "x").Bytes())
	f.Add([]byte("\x00asm\x01\x00\x00\x00"))
	ctx := context.Background()
	runtime := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithMemoryLimitPages(16))
	f.Cleanup(func() { _ = runtime.Close(ctx) })
	takes := func(wasm []byte) error {
		code, err := runtime.CompileModule(ctx, wasm)
		if err != nil {
			return err
		}
		return code.Close(ctx)
	}
	f.Fuzz(func(t *testing.T, wasm []byte) {
		joined := JoinData(wasm)
		hollow, ok := Hollow(joined)
		if CheckSizes(wasm) != nil || takes(wasm) != nil {
			return
		}
		if err := takes(joined); err != nil {
			t.Errorf("joined: %v", err)
		}
		if !ok {
			t.Error("cannot be hollowed out")
		} else if err := takes(hollow); err != nil {
			t.Errorf("hollow: %v", err)
		}
	})
}

func instance(t *testing.T, wasm []byte) api.Module {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	t.Cleanup(func() { _ = r.Close(ctx) })
	m, err := r.Instantiate(ctx, wasm)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// memory is what a module's memory holds at its start.
func memory(t *testing.T, wasm []byte) []byte {
	t.Helper()
	m := instance(t, wasm).Memory()
	b, _ := m.Read(0, m.Size())
	return b
}

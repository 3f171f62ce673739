package wasmbin_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/forge"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmbin"
)

func whole() []byte {
	return forge.New().Import("env", "proxy_log", "iii", "i").ImportGlobal("env", "g").Memory().ABI("0_2_1").
		Export("proxy_on_tick", "iIfF", "i").Custom("producers", producers()).Bytes()
}

// producers is one field, "language", with Rust 1.90.
func producers() []byte {
	return append([]byte{1}, "\x08language\x01\x04Rust\x041.90"...)
}

func TestRead(t *testing.T) {
	o, err := wasmbin.Read(whole())
	if err != nil {
		t.Fatal(err)
	}
	type row struct{ Name, Kind, Params, Results string }
	var got []row
	for _, i := range o.Imports {
		got = append(got, row{i.Module + "." + i.Name, i.Kind.String(), string(i.Signature.Params), string(i.Signature.Results)})
	}
	for _, e := range o.Exports {
		got = append(got, row{e.Name, e.Kind.String(), string(e.Signature.Params), string(e.Signature.Results)})
	}
	want := []row{
		{"env.proxy_log", "function", "\x7f\x7f\x7f", "\x7f"},
		{"env.g", "global", "", ""},
		{"memory", "memory", "", ""},
		{"proxy_abi_version_0_2_1", "function", "", ""},
		{"proxy_on_tick", "function", "\x7f\x7e\x7d\x7c", "\x7f"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("outline (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Rust 1.90"}, o.Producers); diff != "" {
		t.Errorf("producers (-want +got):\n%s", diff)
	}
}

// Every module that is cut short is either found to be, or ends between two sections.
func TestReadTruncated(t *testing.T) {
	b := whole()
	ends := 0
	for n := range b {
		_, err := wasmbin.Read(b[:n])
		if err == nil {
			ends++
		} else if !errors.Is(err, wasmbin.ErrCorrupt) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	const sections = 7 // type, import, function, memory, export, code, custom
	if ends != sections {
		t.Errorf("%d lengths read as whole, want %d", ends, sections)
	}
}

// A type that takes more than a byte leaves signatures unknown, and nothing else.
func TestReadTypesOfTheFuture(t *testing.T) {
	b := []byte("\x00asm\x01\x00\x00\x00" +
		"\x01\x06\x01\x60\x01\x63\x70\x00" + // (ref null func) -> ()
		"\x02\x09\x01\x03env\x01f\x00\x00")
	o, err := wasmbin.Read(b)
	if err != nil || len(o.Imports) != 1 || o.Imports[0].Name != "f" || o.Imports[0].Signature.Known {
		t.Errorf("%+v, %v", o, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(whole())
	f.Add([]byte("\x00asm\x01\x00\x00\x00\x07\xff\xff\xff\xff\x0f"))
	f.Add([]byte("\x00asm\x01\x00\x00\x00\x01\x05\xff\xff\xff\xff\x0f"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := wasmbin.Read(b)
		wasmbin.Scannable(b)
		if len(o.Imports)+len(o.Exports) > len(b) {
			t.Errorf("%d imports and %d exports of %d bytes", len(o.Imports), len(o.Exports), len(b))
		}
		if err == nil && len(b) >= 8 && !wasmbin.Scannable(b) {
			t.Error("whole and yet not scannable")
		}
	})
}

package wire

import (
	"bytes"
	"testing"
)

func TestParseMessage(t *testing.T) {
	nested := AppendBytesField(AppendVarintField(nil, 3, 300), 1, []byte("name"))
	for _, tt := range []struct {
		name string
		in   string
		ok   bool
		want int
	}{
		{"nothing", "", true, 0},
		{"number and bytes", string(nested), true, 2},
		{"a cluster called g", "g", false, 0},
		{"a cluster called dead", "dead", false, 0},
		{"a cluster called empty is an unknown field", "empty", true, 0},
		{"group", "\x0b\x10\x01\x0c\x10\x02", true, 1},
		{"group of another number at the end", "\x0b\x14", false, 0},
		{"group without end", "\x0b\x10\x01", false, 0},
		{"field 0", "\x02\x00", false, 0},
		{"bytes cut short", "\x0a\x05ab", false, 0},
		{"varint cut short", "\x08\x80", false, 0},
		{"deep groups", string(bytes.Repeat([]byte{0x0b}, 1000)), false, 0},
	} {
		if fields, ok := ParseMessage([]byte(tt.in)); ok != tt.ok || len(fields) != tt.want {
			t.Errorf("%s: %v, ok %v; want %d fields, ok %v", tt.name, fields, ok, tt.want, tt.ok)
		}
	}
	fields, _ := ParseMessage(nested)
	if fields[0].ID != 3 || fields[0].Number != 300 || fields[1].ID != 1 || string(fields[1].Bytes) != "name" {
		t.Errorf("fields %v", fields)
	}
}

func TestFrames(t *testing.T) {
	two := AppendFrame(AppendFrame(nil, []byte("one")), nil)
	if m, ok := ParseFrames(two); !ok || len(m) != 2 || string(m[0]) != "one" || len(m[1]) != 0 {
		t.Errorf("two frames: %q %v", m, ok)
	}
	if m, ok := ParseFrames(two[:6]); !ok || len(m) != 0 {
		t.Errorf("half a frame: %q %v", m, ok)
	}
	if _, ok := ParseFrames([]byte{1, 0, 0, 0, 0}); ok {
		t.Error("compressed frame taken")
	}
}

func FuzzParseMessage(f *testing.F) {
	f.Add([]byte("\x0b\x10\x01\x0c\x0a\x01a"))
	f.Fuzz(func(t *testing.T, b []byte) {
		fields, _ := ParseMessage(b)
		size := 0
		for _, x := range fields {
			size += len(x.Bytes)
		}
		if size > len(b) {
			t.Errorf("%d bytes in fields of a message of %d", size, len(b))
		}
	})
}

func FuzzParseFrames(f *testing.F) {
	f.Add(AppendFrame(nil, []byte("x")))
	f.Fuzz(func(t *testing.T, b []byte) {
		messages, ok := ParseFrames(b)
		var again []byte
		for _, m := range messages {
			again = AppendFrame(again, m)
		}
		if ok && !bytes.HasPrefix(b, again) {
			t.Errorf("%q reads as %q", b, messages)
		}
	})
}

package wire

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPairsRoundTrip(t *testing.T) {
	for _, pairs := range [][]Pair{
		{{Name: ":path", Value: "/"}},
		{{Name: "a", Value: ""}, {Name: "", Value: "b"}, {Name: "a", Value: "again"}},
		{{Name: "k", Value: "nul\x00inside"}},
	} {
		b := AppendPairs(nil, pairs)
		if len(b) != PairsSize(pairs) {
			t.Errorf("PairsSize(%q) = %d, encoded %d bytes", pairs, PairsSize(pairs), len(b))
		}
		got, ok := ParsePairs(b)
		if diff := cmp.Diff(pairs, got); !ok || diff != "" {
			t.Errorf("round trip of %q: ok=%v\n%s", pairs, ok, diff)
		}
	}
}

func TestPairsBytes(t *testing.T) {
	got := AppendPairs(nil, []Pair{{Name: "ab", Value: "c"}})
	want := "\x01\x00\x00\x00" + "\x02\x00\x00\x00\x01\x00\x00\x00" + "ab\x00c\x00"
	if string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestParsePairsRefuses(t *testing.T) {
	good := AppendPairs(nil, []Pair{{Name: "name", Value: "value"}})
	many := make([]Pair, MaxPairsCount+1)
	with := func(at int, b byte) []byte {
		c := bytes.Clone(good)
		c[at] = b
		return c
	}
	for _, tt := range []struct {
		name string
		in   []byte
	}{
		{"nothing", nil},
		{"short count", good[:3]},
		{"count without lengths", good[:4]},
		{"truncated", good[:len(good)-1]},
		{"trailing byte", append(bytes.Clone(good), 0)},
		{"no nul behind name", with(12+4, 'x')},
		{"no nul behind value", with(len(good)-1, 'x')},
		{"name longer than all", with(7, 0xff)},
		{"count of four billion", with(3, 0xff)},
		{"too many pairs", AppendPairs(nil, many)},
		{"too many bytes", AppendPairs(nil, []Pair{{Name: "a", Value: strings.Repeat("x", MaxPairsBytes)}})},
	} {
		if pairs, ok := ParsePairs(tt.in); ok || pairs != nil {
			t.Errorf("%s: accepted as %d pairs", tt.name, len(pairs))
		}
	}
}

func TestSplitPath(t *testing.T) {
	for in, want := range map[string][]string{
		"":                        nil,
		"request":                 {"request"},
		"request\x00headers\x00a": {"request", "headers", "a"},
		"request\x00":             {"request"},
		"a\x00\x00b":              {"a", "", "b"},
	} {
		if diff := cmp.Diff(want, SplitPath(in)); diff != "" {
			t.Errorf("SplitPath(%q): %s", in, diff)
		}
	}
}

func FuzzParsePairs(f *testing.F) {
	f.Add(AppendPairs(nil, []Pair{{Name: ":path", Value: "/"}, {Name: "a", Value: ""}}))
	f.Add([]byte{0, 0, 0, 0})
	f.Add(binary.LittleEndian.AppendUint32(nil, 1<<31))
	f.Fuzz(func(t *testing.T, b []byte) {
		pairs, ok := ParsePairs(b)
		if !ok {
			return
		}
		if got := AppendPairs(nil, pairs); !bytes.Equal(got, b) {
			t.Errorf("accepted %q but encodes it as %q", b, got)
		}
	})
}

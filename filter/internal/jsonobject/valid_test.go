package jsonobject

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

var validSeeds = []string{
	`{}`, `[]`, ` [ ] `, "\t{\r\n}\n", `0`, `-0`, `01`, `-`, `+1`, `1.`, `.5`, `1.5e+3`, `1E-2`, `1e`, `1e+`, `--1`, `1 2`, `true`, `tru`, `truex`, `false`, `null`, `nul`, `nan`,
	`""`, `"`, `"\`, `"\"`, `"a\\"`, `"\u00e9"`, `"\uD83D\ude00"`, `"\u00g0"`, `"\u00`, `"\x"`, `"\/\b\f\n\r\t"`, "\"\n\"", "\"\x7f\"", "\"\x00\"", "\"\xff\"", "\x00", ``, ` `,
	`{"a":1}`, `{"a":1,}`, `{"a"}`, `{"a":}`, `{a:1}`, `{1:1}`, `{"a" : [ 1 , {"b":null} ] , "c":"d"}`, `{"a":1 "b":2}`, `{,}`, `{"a":1]`, `{"a"::1}`,
	`[1,2]`, `[1,]`, `[,1]`, `[1 2]`, `[1}`, `[`, `]`, `[[]`, `[]]`, `{`, `}`, `[1]x`, `[1] `, `[1],`, "[1]\x00", "\ufeff{}", `[1,//
2]`,
}

func TestValid(t *testing.T) {
	for _, text := range validSeeds {
		if got, want := Valid([]byte(text), 64), json.Valid([]byte(text)); got != want {
			t.Errorf("%q: got %t, encoding/json %t", text, got, want)
		}
	}
}

func TestValidBoundsLevels(t *testing.T) {
	for _, pair := range []string{"[]", "{}"} {
		inner := pair
		for level := 1; level <= 3; level++ {
			if got, want := Valid([]byte(inner), 2), level <= 2; got != want {
				t.Errorf("%s: got %t, want %t", inner, got, want)
			}
			inner = strings.Repeat("[", level) + pair + strings.Repeat("]", level)
		}
	}
	if !Valid([]byte(`1`), 0) || Valid([]byte(`[]`), 0) {
		t.Error("no level: a number is one value, a list is refused")
	}
}

// FuzzValid: valid is what encoding/json takes for it.
func FuzzValid(f *testing.F) {
	for _, seed := range validSeeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		want := json.Valid(text) && depth(text) <= 8
		if got := Valid(text, 8); got != want {
			t.Fatalf("%q: got %t, want %t", text, got, want)
		}
	})
}

// FuzzContent: a string says what encoding/json reads.
func FuzzContent(f *testing.F) {
	for _, seed := range []string{`""`, `"a"`, `"\"\\\/\b\f\n\r\t"`, `"\u00e9\uD83D\ude00"`, `"\ud83d"`, `"\ud83dx"`, `"\ud83d\u0041"`, `"\ud83d\ud83d\ude00"`, `"\ude00\ud83d"`, `"é\u0000"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var want string
		if !utf8.ValidString(text) || !strings.HasPrefix(text, `"`) || json.Unmarshal([]byte(text), &want) != nil || string(Root([]byte(text))) != text {
			return
		}
		if got := Value(text).Content(); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	})
}

package jsonobject

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

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

// TestAbsentValueIsNothing: of a member that is not there, every question is answered no.
func TestAbsentValueIsNothing(t *testing.T) {
	v := Value("")
	if v.IsObject() || v.IsList() || v.IsString() || v.IsBool() || v.IsNull() || v.IsNumber() || v.Content() != "" {
		t.Error("an absent value is something")
	}
	if _, err := Of(v); err == nil {
		t.Error("an absent value is an object")
	}
}

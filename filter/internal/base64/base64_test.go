package base64

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
)

func FuzzBase64(f *testing.F) {
	for _, s := range []string{"", "A", "AA", "AAA", "AAAA", "AAB=", "AA==", "AB==", "A===", "====", "=", "AA=", "AA=A", "AA\n==", "+/-_", "+/+/", "-_-_", "AAAAA", "AAAAA===", "\x00", "é"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, want := Encode(b), base64.StdEncoding.EncodeToString(b); got != want {
			t.Errorf("Encode(%q) = %q, want %q", b, got, want)
		}
		if got, want := EncodeURL(b), base64.RawURLEncoding.EncodeToString(b); got != want {
			t.Errorf("EncodeURL(%q) = %q, want %q", b, got, want)
		}
		text := string(b)
		agree(t, text, Decode, base64.StdEncoding.Strict())
		agree(t, text, DecodeURL, base64.RawURLEncoding.Strict())
	})
}

// agree holds a decoder against the standard library's, which skips line ends.
func agree(t *testing.T, text string, decode func(string) ([]byte, bool), standard *base64.Encoding) {
	t.Helper()
	want, err := standard.DecodeString(text)
	wantOK := err == nil && !strings.ContainsAny(text, "\r\n")
	if got, ok := decode(text); ok != wantOK || ok && !bytes.Equal(got, want) {
		t.Errorf("%q decodes to %q, %v; want %q, %v", text, got, ok, want, wantOK)
	}
}

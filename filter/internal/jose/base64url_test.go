package jose

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
)

// FuzzBase64 compares with the standard library, which the guest does without.
func FuzzBase64(f *testing.F) {
	for _, s := range []string{"", "A", "AA", "AB", "AAA", "AAB", "AAAA", "A===", "AA==", "AB==", "AAA=", "AA=A", "====", "=", "-_-_", "+/+/", "AA\nAA", "AAAA\n", "\xff\xff\xff\xff", "AAAAA"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b := []byte(s)
		if got, want := Encode(b), base64.RawURLEncoding.EncodeToString(b); got != want {
			t.Errorf("Encode(%q) = %q, want %q", s, got, want)
		}
		if got, want := EncodePadded(b), base64.StdEncoding.EncodeToString(b); got != want {
			t.Errorf("EncodePadded(%q) = %q, want %q", s, got, want)
		}
		lineEnd := strings.ContainsAny(s, "\r\n") // the library skips them
		for name, c := range map[string]struct {
			decode  func(string) ([]byte, bool)
			library *base64.Encoding
		}{
			"decode":       {decode, base64.RawURLEncoding},
			"decodePadded": {func(s string) ([]byte, bool) { return decodePadded([]byte(s)) }, base64.StdEncoding},
		} {
			want, err := c.library.Strict().DecodeString(s)
			got, ok := c.decode(s)
			if ok != (err == nil && !lineEnd) || ok && !bytes.Equal(got, want) {
				t.Errorf("%s(%q) = %q, %v; want %q, %v", name, s, got, ok, want, err)
			}
			if got, ok := c.decode(c.library.EncodeToString(b)); !ok || !bytes.Equal(got, b) {
				t.Errorf("%s of the encoded %q = %q, %v", name, s, got, ok)
			}
		}
	})
}

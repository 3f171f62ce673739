package identity

import (
	"net/url"
	"testing"
)

func TestEncodeValue(t *testing.T) {
	for value, want := range map[string]string{
		"":                       "",
		"plain":                  "plain",
		"a b  c":                 "a b  c",
		" ":                      "%20",
		"  ":                     "%20%20",
		"   ":                    "%20 %20",
		"100%":                   "100%25",
		"%41":                    "%2541",
		"\t":                     "%09",
		"a\tb":                   "a%09b",
		"\r\n":                   "%0D%0A",
		"\x00":                   "%00",
		"\x7f":                   "%7F",
		"é":                      "%C3%A9",
		"\xff":                   "%FF",
		"~!\"#$&'()*+,/:;<=>?@[": "~!\"#$&'()*+,/:;<=>?@[",
	} {
		if got := EncodeValue(value); got != want {
			t.Errorf("EncodeValue(%q) = %q, want %q", value, got, want)
		}
	}
}

func FuzzEncodeValue(f *testing.F) {
	for _, seed := range []string{"", " ", "alice", "a b", "a\r\nx: y", "100%", "%41", "größe", "\xff\x00 "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		encoded := EncodeValue(value)
		for i := range len(encoded) {
			if c := encoded[i]; c < 0x20 || c > 0x7e {
				t.Fatalf("EncodeValue(%q) = %q has byte %#x", value, encoded, c)
			}
		}
		if encoded != "" && (encoded[0] == ' ' || encoded[len(encoded)-1] == ' ') {
			t.Fatalf("EncodeValue(%q) = %q has a blank at an end", value, encoded)
		}
		if decoded, err := url.PathUnescape(encoded); err != nil || decoded != value {
			t.Fatalf("EncodeValue(%q) = %q decodes to %q, %v", value, encoded, decoded, err)
		}
	})
}

package catalog

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// accents are the combining marks that a comparison which ignores accents leaves out.
func accents(r rune) bool { return 0x300 <= r && r <= 0x36f }

// likeASCIIOf is what Unicode's compatibility forms make of a character, without
// accents and in small letters; "" for what is not ASCII then.
func likeASCIIOf(r rune) string {
	text := strings.Map(func(r rune) rune {
		if accents(r) {
			return -1
		}
		return r
	}, norm.NFKD.String(string(r)))
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return ""
		}
	}
	return strings.ToLower(text)
}

// TestPathReadingsOfCompatibleCharacters: what Unicode's compatibility forms turn
// into ASCII is read as that, in every plane; and what they turn into a separator,
// by itself or with more beside it, makes a path ambiguous.
func TestPathReadingsOfCompatibleCharacters(t *testing.T) {
	read, refusedOnes := 0, 0
	for r := rune(0xa0); r <= utf8.MaxRune; r++ {
		want := likeASCIIOf(r)
		if want == "" || accents(r) || strings.Contains(want, " ") || len(want) > utf8.RuneLen(r) {
			continue // a blank with an accent behind it is none
		}
		for _, path := range []string{"/x" + escaped(r) + "y", "/x" + strings.ReplaceAll(escaped(r), "%", "%25") + "y"} {
			folded, ok := fold(path)
			if strings.ContainsAny(want, `/\?#;%`) || want == "." || want == ".." {
				refusedOnes++
				if ok {
					t.Errorf("U+%04X, which becomes %q, is read as %q", r, want, folded)
				}
				continue
			}
			read++
			if folded != "/x"+want+"y" {
				t.Errorf("U+%04X, which becomes %q, is read as %q, %v", r, want, folded, ok)
			}
		}
	}
	t.Logf("%d characters become others, %d a separator", read/2, refusedOnes/2)
	if read < 1000 || refusedOnes < 20 {
		t.Error("too few: this shows nothing")
	}
}

func escaped(r rune) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(string(r)) {
		b.WriteString("%" + string([]byte{digits[c>>4], digits[c&15]}))
	}
	return b.String()
}

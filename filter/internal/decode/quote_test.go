package decode

import (
	"strconv"
	"testing"
)

// FuzzQuoteAsStrconv: any text is quoted as strconv quotes it.
func FuzzQuoteAsStrconv(f *testing.F) {
	for _, seed := range []string{"", "plain", `"\`, "\x00\a\b\t\n\v\f\r\x1f\x20\x7e\x7f\x80\xff", "é\u2028\ufffd\U0001f600\xf0\x9f", "\xed\xa0\x80"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got, want := quote(text), strconv.QuoteToASCII(text); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

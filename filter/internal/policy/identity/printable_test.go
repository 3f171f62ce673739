package identity

import "testing"

// TestPrintable tries every byte at every place of a text, beside all of the
// bytes that a borrow or a carry of the eight at a time could reach.
func TestPrintable(t *testing.T) {
	for size := range 20 {
		for _, beside := range []byte{' ', '!', '$', '&', 'a', '~'} {
			for at := range size {
				text := make([]byte, size)
				for i := range text {
					text[i] = beside
				}
				for c := range 256 {
					text[at] = byte(c)
					want := ' ' <= c && c <= '~' && c != '%'
					if got := printable(string(text)); got != want {
						t.Fatalf("printable(%q) is %v, want %v", text, got, want)
					}
				}
			}
		}
	}
	if !printable("") {
		t.Error("the empty text is not printable")
	}
}

package catalog

import "unicode/utf8"

// fold gives the path as the most lenient backend reads it: decoded until
// nothing is left to decode, without path parameters (a servlet container),
// without the streams of NTFS, blanks around a level and dots at its end
// (Windows), in lower case (Express, IIS), and with letters that Unicode or a
// code page of Windows takes for ASCII ones replaced by those. Every other
// backend does some of this and no more, so it sees the API that both the path
// and its fold belong to. ok is false when the path is ambiguous.
func fold(path string) (folded string, ok bool) {
	f := folder{out: make([]byte, len(path))}
	for i := 0; i <= len(path); {
		if i == len(path) || path[i] == '/' {
			if !f.endLevel() {
				return "", false
			}
			if i < len(path) {
				f.out[f.end] = '/'
				f.end++
				f.level = f.end
			}
			i++
			continue
		}
		next := i + 1
		if path[i] == '%' {
			next = i + plainEscape(path[i:])
			if next == i {
				return "", false
			}
		}
		for i < next {
			b, size := path[i], 1
			if b == '%' {
				b, _ = unescape(path[i:])
				size = 3
			}
			if !f.push(b) {
				return "", false
			}
			i += size
		}
	}
	return string(f.out[:f.end]), true
}

// folder writes no more than it has read, so out is as long as the path.
type folder struct {
	out        []byte
	level, end int // where the level begins; where out ends
}

// push adds a character of the path as it is after the first decoding. The last
// three characters may then be an escape again, and so may those that decoding
// it makes.
func (f *folder) push(b byte) (ok bool) {
	f.out[f.end] = b
	f.end++
	for f.end >= f.level+3 {
		b, ok := unescape(string(f.out[f.end-3 : f.end]))
		if !ok {
			break
		}
		if refused(b) || b == ';' {
			return false
		}
		f.end -= 2
		f.out[f.end-1] = b
	}
	return true
}

// endLevel folds the level that ends here, in place: no character becomes
// longer. It reports false when the level is ambiguous.
func (f *folder) endLevel() (ok bool) {
	level := f.out[f.level:f.end]
	if len(level) == 0 {
		return true
	}
	end := 0
	colon, cut := -1, false
	for i := 0; i < len(level); {
		r, size := utf8.DecodeRune(level[i:])
		if r == utf8.RuneError && size <= 1 || r >= utf8.RuneSelf && r < 0xa0 {
			return false
		}
		if r == '%' && i+1 < len(level) && level[i+1]|0x20 == 'u' { // IIS: %u002f
			return false
		}
		i += size
		if size > 1 {
			if r = foldRune(r); r < utf8.RuneSelf && r >= 0 && (refused(byte(r)) || r == ';' || r == '%') {
				return false
			}
		}
		switch {
		case cut || r < 0:
			continue
		case r == ';':
			cut = true
			continue
		case r == ':' && colon < 0:
			colon = end
		case r == '$' && colon > 0: // NTFS: admin:$i30:$INDEX_ALLOCATION, admin::$DATA
			end, cut = colon, true
			continue
		case 'A' <= r && r <= 'Z':
			r += 'a' - 'A'
		}
		end += utf8.EncodeRune(level[end:end+utf8.RuneLen(r)], r)
	}
	name := trimLevel(level[:end])
	if len(name) == 0 || string(name) == "." || string(name) == ".." {
		return false
	}
	f.end = f.level + copy(level, name)
	return true
}

// trimLevel cuts blanks off both ends, and dots off the end unless there is
// nothing but dots.
func trimLevel(name []byte) []byte {
	for len(name) > 0 && name[0] == ' ' {
		name = name[1:]
	}
	blanks := name
	for n := len(blanks); n > 0 && blanks[n-1] == ' '; n-- {
		blanks = blanks[:n-1]
	}
	dots := blanks
	for n := len(dots); n > 0 && (dots[n-1] == '.' || dots[n-1] == ' '); n-- {
		dots = dots[:n-1]
	}
	if len(dots) == 0 {
		return blanks
	}
	return dots
}

// latin has the letter of ASCII for U+00C0 to U+017F, as the best-fit tables of
// Windows and accent-insensitive comparisons have it; "." where there is none.
const latin = "aaaaaaaceeeeiiiidnooooo.ouuuuytsaaaaaaaceeeeiiiidnooooo.ouuuuyty" +
	"aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkkllllllllllnnnnnnnnnoooooooorrrrrrssssssss" +
	"ttttttuuuuuuuuuuuuwwyyyzzzzzzs"

// likeASCII pairs further characters with the ASCII one that they become by
// compatibility (UAX #15, NFKC) or by a best-fit table of Windows. One that
// becomes a separator and something else counts as the separator.
const likeASCII = "\u00aaa\u00bao\u2071i\u207fn\u212ak\u212ba\u2102c\u210ag\u210bh\u210ch\u210dh\u210eh\u2110i\u2111i\u2112l\u2113l" +
	"\u2115n\u2119p\u211aq\u211br\u211cr\u211dr\u2124z\u2128z\u212cb\u212dc\u212fe\u2130e\u2131f\u2133m\u2134o\u2139i" +
	"\u2145d\u2146d\u2147e\u2148i\u2149j\u2160i\u2164v\u2169x\u216cl\u216dc\u216ed\u216fm\u2170i\u2174v\u2179x\u217cl\u217dc\u217ed\u217fm" +
	"\u02b0h\u02b2j\u02b3r\u02b7w\u02b8y\u02e1l\u02e2s\u02e3x" +
	"\u2044/\u2215/\u29f8/\u2216\\\u29f5\\\u29f9\\\ufe68\\\u2100/\u2101/\u2105/\u2106/\u2024.\u2025.\ufe52.\u037e;\ufe54;\ufe56?\ufe5f#\ufe6a%\u2236:\ufe55:\u223c~\ufe69$"

// ranges are of characters that are in the same order as in ASCII: each becomes
// first, or the character as far behind it.
var ranges = [...]struct{ from, to, first, count rune }{
	{0xa0, 0xa0, ' ', 1}, {0x1680, 0x1680, ' ', 1}, {0x2000, 0x200a, ' ', 1}, {0x2028, 0x2029, ' ', 1},
	{0x202f, 0x202f, ' ', 1}, {0x205f, 0x205f, ' ', 1}, {0x3000, 0x3000, ' ', 1},
	// Combining accents, and characters without width.
	{0xad, 0xad, -1, 1}, {0x300, 0x36f, -1, 1}, {0x200b, 0x200f, -1, 1}, {0x202a, 0x202e, -1, 1},
	{0x2060, 0x206f, -1, 1}, {0xfe00, 0xfe0f, -1, 1}, {0xfeff, 0xfeff, -1, 1},
	// Full width; mathematical letters and digits; letters in circles; Greek and Cyrillic capitals.
	{0xff21, 0xff3a, 'a', 26}, {0xff01, 0xff5e, '!', 94}, {0x1d400, 0x1d6a3, 'a', 26}, {0x1d7ce, 0x1d7ff, '0', 10},
	{0x24b6, 0x24e9, 'a', 26}, {0x391, 0x3a9, 0x3b1, 25}, {0x410, 0x42f, 0x430, 32}, {0x400, 0x40f, 0x450, 16},
}

// foldRune gives what a lenient backend may take a non-ASCII character for; -1
// if it sees nothing.
func foldRune(r rune) rune {
	if i := int(r) - 0xc0; 0 <= i && i < len(latin) && latin[i] != '.' {
		return rune(latin[i])
	}
	for i := range ranges {
		if c := &ranges[i]; c.from <= r && r <= c.to {
			return c.first + (r-c.from)%c.count
		}
	}
	for i, c := range likeASCII {
		if c == r {
			return rune(likeASCII[i+utf8.RuneLen(r)])
		}
	}
	return r
}

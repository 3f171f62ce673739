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
		more := ""
		if size > 1 {
			if r, more = foldRune(r); more == "" && r < utf8.RuneSelf && r >= 0 && (refused(byte(r)) || r == ';' || r == '%') {
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
		end += copy(level[end:], more)
	}
	name := trimLevel(level[:end])
	if len(name) == 0 || string(name) == "." || string(name) == ".." || escapes(name) {
		return false
	}
	f.end = f.level + copy(level, name)
	return true
}

// escapes reports whether a folded level has an escape in it: nothing was left to
// decode before look-alikes of "u" and digits became these.
func escapes(name []byte) bool {
	for i, c := range name {
		if c != '%' {
			continue
		}
		if _, ok := unescape(string(name[i:min(i+3, len(name))])); ok || i+1 < len(name) && name[i+1] == 'u' {
			return true
		}
	}
	return false
}

// trimLevel cuts blanks off both ends, and dots off the end of what is more
// than dots.
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

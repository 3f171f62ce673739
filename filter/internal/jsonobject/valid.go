package jsonobject

import "strings"

// Valid reports whether text is one JSON value (RFC 8259) with blanks around it
// and no more than so many lists and objects inside each other.
func Valid(text []byte, levels int) bool {
	return afterBlanks(text, afterValue(text, afterBlanks(text, 0), levels)) == len(text)
}

// The functions below say where what begins at i ends: -1 when it does not end
// well, or when i is -1 already.

// at is the byte at i, 0 where there is none; JSON has no 0.
func at(b []byte, i int) byte {
	if uint(i) < uint(len(b)) {
		return b[i]
	}
	return 0
}

//go:noinline
func afterBlanks(b []byte, i int) int {
	for {
		switch at(b, i) {
		case ' ', '\t', '\r', '\n':
			i++
		default:
			return i
		}
	}
}

func afterValue(b []byte, i, levels int) int {
	word := ""
	switch c := at(b, i); c {
	case '{', '[':
		return afterGroup(b, i, levels)
	case '"':
		return afterString(b, i)
	case 't':
		word = "true"
	case 'f':
		word = "false"
	case 'n':
		word = "null"
	default:
		return afterNumber(b, i)
	}
	if len(b)-i < len(word) || string(b[i:i+len(word)]) != word {
		return -1
	}
	return i + len(word)
}

// afterGroup reads a list or an object.
func afterGroup(b []byte, i, levels int) int {
	begin := b[i]
	end := begin + 2 // of '{' and '[' alike
	i = afterBlanks(b, i+1)
	if at(b, i) == end && levels > 0 {
		return i + 1
	}
	for levels > 0 {
		if begin == '{' {
			if i = afterBlanks(b, afterString(b, i)); at(b, i) != ':' {
				return -1
			}
			i = afterBlanks(b, i+1)
		}
		i = afterBlanks(b, afterValue(b, i, levels-1))
		switch at(b, i) {
		case end:
			return i + 1
		case ',':
			i = afterBlanks(b, i+1)
		default:
			return -1
		}
	}
	return -1
}

//go:noinline
func afterString(b []byte, i int) int {
	if at(b, i) != '"' {
		return -1
	}
	for i++; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i + 1
		case c < ' ':
			return -1
		case c == '\\':
			i++
			if c = at(b, i); c == 'u' {
				for range 4 {
					i++
					if !isDigit(at(b, i)) && (at(b, i)|0x20 < 'a' || at(b, i)|0x20 > 'f') {
						return -1
					}
				}
			} else if strings.IndexByte(`"\/bfnrt`, c) < 0 {
				return -1
			}
		}
	}
	return -1
}

func afterNumber(b []byte, i int) int {
	if at(b, i) == '-' {
		i++
	}
	if at(b, i) == '0' {
		i++
	} else {
		i = afterDigits(b, i)
	}
	if at(b, i) == '.' {
		i = afterDigits(b, i+1)
	}
	if at(b, i)|0x20 == 'e' {
		i++
		if c := at(b, i); c == '+' || c == '-' {
			i++
		}
		i = afterDigits(b, i)
	}
	return i
}

// afterDigits wants one at least.
//
//go:noinline
func afterDigits(b []byte, i int) int {
	if !isDigit(at(b, i)) {
		return -1
	}
	for isDigit(at(b, i)) {
		i++
	}
	return i
}

func isDigit(c byte) bool { return c-'0' < 10 }

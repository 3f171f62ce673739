package explain

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// splitWords splits as a shell does: quotes, $'…', backslashes and continued lines; nothing is expanded.
func splitWords(line string) (words []string, err error) {
	var word strings.Builder
	inWord := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '$' && i+1 < len(line) && line[i+1] == '\'':
			n, err := escapedQuote(&word, line[i+2:])
			if err != nil {
				return nil, err
			}
			i, inWord = i+1+n, true
		case c == '\'':
			end := strings.IndexByte(line[i+1:], '\'')
			if end < 0 {
				return nil, errors.New("a ' is not closed")
			}
			word.WriteString(line[i+1 : i+1+end])
			i, inWord = i+1+end, true
		case c == '"':
			inWord = true
			for i++; i < len(line) && line[i] != '"'; i++ {
				if line[i] == '\\' && i+1 < len(line) && strings.IndexByte("\"\\$`\n", line[i+1]) >= 0 {
					if i++; line[i] == '\n' {
						continue
					}
				}
				word.WriteByte(line[i])
			}
			if i == len(line) {
				return nil, errors.New("a \" is not closed")
			}
		case c == '\\' && i+1 < len(line):
			if i++; line[i] == '\r' && i+1 < len(line) && line[i+1] == '\n' {
				i++
			}
			if line[i] != '\n' {
				word.WriteByte(line[i])
				inWord = true
			}
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			if inWord {
				words = append(words, word.String())
				word.Reset()
			}
			inWord = false
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

// simpleEscapes are those of $'…' that stand for one byte.
var simpleEscapes = map[byte]byte{'a': '\a', 'b': '\b', 'e': 0x1b, 'E': 0x1b, 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v', '\\': '\\', '\'': '\'', '"': '"', '?': '?'}

// escapedQuote reads what follows $' and returns how many bytes that is, the closing quote among them.
func escapedQuote(word *strings.Builder, text string) (n int, err error) {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\'':
			return i + 1, nil
		case c != '\\' || i+1 == len(text):
			word.WriteByte(c)
		default:
			i++
			i += escape(word, text[i:]) - 1
		}
	}
	return 0, errors.New("a ' is not closed")
}

// escape writes what follows a backslash, and returns how many bytes it took.
func escape(word *strings.Builder, text string) int {
	c := text[0]
	if plain, ok := simpleEscapes[c]; ok {
		word.WriteByte(plain)
		return 1
	}
	most, base, from := 0, 16, 1
	switch {
	case c == 'x':
		most = 2
	case c == 'u':
		most = 4
	case c == 'U':
		most = 8
	case c >= '0' && c <= '7':
		most, base, from = 3, 8, 0
	}
	digits := 0
	for digits < most && from+digits < len(text) && isDigit(text[from+digits], base) {
		digits++
	}
	value, err := strconv.ParseUint(text[from:from+digits], base, 32)
	if digits == 0 || err != nil {
		word.WriteByte('\\')
		word.WriteByte(c)
		return 1
	}
	if (c == 'u' || c == 'U') && value >= utf8.RuneSelf {
		word.WriteRune(rune(value))
	} else {
		word.WriteByte(byte(value))
	}
	return from + digits
}

func isDigit(c byte, base int) bool {
	_, err := strconv.ParseUint(string(rune(c)), base, 8)
	return err == nil && c != '_' && c != '+'
}

package explain

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// splitter splits a line as a shell does.
type splitter struct {
	line    string
	at      int
	words   []string
	word    strings.Builder
	inWord  bool
	to      bool // the next word is a file to write to
	another bool // what follows is another command
}

// splitWords splits as a shell does: quotes, $'…', backslashes and continued lines, up to a pipe or the next command.
// Nothing is expanded, so what would be is an error.
func splitWords(line string) (words []string, err error) {
	s := splitter{line: fromWindows(line)}
	for ; s.at < len(s.line) && !s.another; s.at++ {
		if err := s.character(); err != nil {
			return nil, err
		}
	}
	s.endWord()
	return s.words, nil
}

func (s *splitter) character() error {
	c, rest := s.line[s.at], s.line[s.at+1:]
	switch {
	case c == '$' && strings.HasPrefix(rest, "'"):
		n, err := escapedQuote(&s.word, rest[1:])
		s.at += 1 + n
		s.inWord = true
		return err
	case c == '\'':
		end := strings.IndexByte(rest, '\'')
		if end < 0 {
			return errors.New("a ' is not closed")
		}
		s.word.WriteString(rest[:end])
		s.at += 1 + end
		s.inWord = true
	case c == '"':
		return s.quoted()
	case c == '\\' && rest != "":
		if s.at++; strings.HasPrefix(rest, "\r\n") {
			s.at++
		}
		if c = s.line[s.at]; c != '\n' {
			s.put(c)
		}
	case isBlank(c):
		s.endWord()
	case c == '>' || c == '<':
		s.redirect()
	case c == '|', c == '&' && !s.inWord, c == ';' && (rest == "" || isBlank(rest[0])):
		s.another = true
	default:
		if err := expansion(s.line[s.at:]); err != nil {
			return err
		}
		s.put(c)
	}
	return nil
}

func (s *splitter) put(c byte) {
	s.word.WriteByte(c)
	s.inWord = true
}

// quoted reads what stands between double quotes.
func (s *splitter) quoted() error {
	s.inWord = true
	for s.at++; s.at < len(s.line) && s.line[s.at] != '"'; s.at++ {
		if s.line[s.at] == '\\' && s.at+1 < len(s.line) && strings.IndexByte("\"\\$`\n", s.line[s.at+1]) >= 0 {
			if s.at++; s.line[s.at] == '\n' {
				continue
			}
		} else if err := expansion(s.line[s.at:]); err != nil {
			return err
		}
		s.word.WriteByte(s.line[s.at])
	}
	if s.at == len(s.line) {
		return errors.New("a \" is not closed")
	}
	return nil
}

// redirect leaves out 2>&1 and the name of a file behind ">".
func (s *splitter) redirect() {
	if strings.Trim(s.word.String(), "0123456789") == "" { // the number of what is redirected
		s.word.Reset()
		s.inWord = false
	}
	s.endWord()
	for s.at+1 < len(s.line) && strings.IndexByte("><&", s.line[s.at+1]) >= 0 {
		s.at++
	}
	s.to = true
}

func (s *splitter) endWord() {
	if s.inWord && !s.to {
		s.words = append(s.words, s.word.String())
	}
	s.to = s.to && !s.inWord
	s.word.Reset()
	s.inWord = false
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// expansion refuses a text that begins with what a shell replaces.
func expansion(text string) error {
	if len(text) < 2 || text[0] != '$' {
		return nil
	}
	name, _ := strings.CutPrefix(text[1:], "{")
	end := 0
	for end < len(name) && (name[end] == '_' || 'a' <= name[end]|0x20 && name[end]|0x20 <= 'z' || end > 0 && isDigit(name[end], 10)) {
		end++
	}
	switch {
	case text[1] == '(':
		return errors.New("$(…) is what the shell makes of a command: write what that is")
	case end > 0:
		return errors.New("a $NAME is a variable of the shell: write what it holds") // what stands there may be a key
	}
	return nil
}

// windowsQuote is a quote, or the end of a line, as browsers copy them for the command line of Windows.
var windowsQuote = regexp.MustCompile(`[ \t]\^("|\r?\n)`)

// fromWindows takes the carets out of a line for cmd.exe: each stands before a character that is meant as it is, or before
// a line end that is none. Chrome writes a line end that is one behind such a line end.
func fromWindows(line string) string {
	if !windowsQuote.MatchString(line) {
		return line
	}
	line = strings.ReplaceAll(line, "\r\n", "\n")
	var b strings.Builder
	for i := 0; i < len(line); i++ {
		if line[i] == '^' && i+1 < len(line) {
			if i++; line[i] == '\n' && !strings.HasPrefix(line[i+1:], "\n") {
				continue
			} else if line[i] == '\n' {
				i++
			}
		}
		b.WriteByte(line[i])
	}
	return b.String()
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

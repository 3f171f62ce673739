package condition

import (
	"strings"
)

type kind int

const (
	end kind = iota
	word
	text // quoted
	sign
	open
	closed
	and
	or
	not
)

type token struct {
	kind kind
	text string
	op   Op
}

// Parse reads a condition; blank text is nil.
func Parse(s string) (Expr, error) {
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	if len(s) > maxBytes {
		return Unknown{}, ErrSyntax
	}
	tokens, err := scan(s)
	if err != nil {
		return Unknown{}, err
	}
	p := parser{tokens: tokens}
	e, err := p.or(0)
	if err != nil || p.peek().kind != end {
		return Unknown{}, ErrSyntax
	}
	return e, nil
}

func scan(s string) (tokens []token, err error) {
	for i := 0; i < len(s); {
		t, n, err := next(s[i:])
		if err != nil {
			return nil, err
		}
		if t.kind != end {
			tokens = append(tokens, t)
		}
		i += n
	}
	return tokens, nil
}

// next gives the token at the start of s and its length; one of kind end is a
// blank.
func next(s string) (t token, length int, err error) {
	switch c := s[0]; {
	case c == ' ' || c == '\t' || c == '\r' || c == '\n':
		return token{}, 1, nil
	case c == '(':
		return token{kind: open}, 1, nil
	case c == ')':
		return token{kind: closed}, 1, nil
	case c == '"':
		return quoted(s)
	case strings.HasPrefix(s, "&&"):
		return token{kind: and}, 2, nil
	case strings.HasPrefix(s, "||"):
		return token{kind: or}, 2, nil
	}
	for _, known := range signs {
		if strings.HasPrefix(s, known.text) {
			return token{kind: sign, op: known.op}, len(known.text), nil
		}
	}
	if s[0] == '!' {
		return token{kind: not}, 1, nil
	}
	n := 0
	for n < len(s) && inWord(s[n]) {
		n++
	}
	if n == 0 {
		return token{}, 0, ErrSyntax
	}
	return ofWord(s[:n]), n, nil
}

// quoted knows no escapes. Apigee's documents say nothing about a backslash
// before a quote: a condition that has one cannot be read.
func quoted(s string) (token, int, error) {
	n := strings.IndexByte(s[1:], '"')
	if n < 0 || n > 0 && s[n] == '\\' {
		return token{}, 0, ErrSyntax
	}
	return token{kind: text, text: s[1 : 1+n]}, n + 2, nil
}

func inWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '_' || c == '-' || c == '{' || c == '}' || c == '[' || c == ']'
}

func ofWord(s string) token {
	switch lower := strings.ToLower(s); lower {
	case "and":
		return token{kind: and}
	case "or":
		return token{kind: or}
	case "not":
		return token{kind: not}
	default:
		if op, ok := words[lower]; ok {
			return token{kind: sign, op: op}
		}
	}
	return token{kind: word, text: s}
}

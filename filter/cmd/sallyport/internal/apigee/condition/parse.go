// Package condition reads the conditions of Apigee's flows, judges them for a
// request, and says them as the filter's when, as far as that can be said.
//
// See "Conditions reference" and "Pattern matching in conditional statements"
// in Apigee's documentation.
package condition

import (
	"errors"
	"strings"
)

// Bounds: what is longer or deeper no person wrote.
const (
	maxBytes = 16 << 10
	maxDepth = 32
)

// Expr is a condition. The nil Expr is true, as is a step without a condition.
type Expr interface{ isExpr() }

// All is true when all of it are, Any when one is.
type (
	All []Expr
	Any []Expr
	Not struct{ Of Expr }

	// Compare compares a flow variable with a literal.
	Compare struct {
		Variable string
		Op       Op
		Value    string
		Null     bool // the literal null, and Value is ""
		Bare     bool // not quoted: a number, true or false
	}

	// Constant is the word true or false.
	Constant bool

	// Unknown is what can be read and has no meaning here: two variables
	// compared with each other, or what cannot be read at all.
	Unknown struct{}
)

func (All) isExpr()      {}
func (Any) isExpr()      {}
func (Not) isExpr()      {}
func (Compare) isExpr()  {}
func (Constant) isExpr() {}
func (Unknown) isExpr()  {}

// Op is a comparison.
type Op string

// The comparisons, by their signs.
const (
	Equal       Op = "="
	NotEqual    Op = "!="
	EqualFold   Op = ":="
	Matches     Op = "~"
	MatchesPath Op = "~/"
	JavaRegex   Op = "~~"
	StartsWith  Op = "=|"
	Greater     Op = ">"
	GreaterOr   Op = ">="
	Less        Op = "<"
	LessOr      Op = "<="
)

// signs are tried in this order: longer ones first.
var signs = []struct {
	text string
	op   Op
}{
	{"~~", JavaRegex}, {"~/", MatchesPath}, {"=|", StartsWith}, {":=", EqualFold}, {"!=", NotEqual}, {"==", Equal},
	{">=", GreaterOr}, {"<=", LessOr}, {"~", Matches}, {"=", Equal}, {">", Greater}, {"<", Less},
}

var words = map[string]Op{
	"equals": Equal, "is": Equal, "notequals": NotEqual, "isnot": NotEqual, "equalscaseinsensitive": EqualFold,
	"matches": Matches, "like": Matches, "matchespath": MatchesPath, "likepath": MatchesPath, "javaregex": JavaRegex,
	"startswith": StartsWith, "greaterthan": Greater, "greaterthanorequals": GreaterOr, "lesserthan": Less, "lesserthanorequals": LessOr,
}

// ErrSyntax is a condition that cannot be read.
var ErrSyntax = errors.New("the condition cannot be read")

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

// quoted takes no escapes but the backslash before a quote, of which Apigee's
// documents say nothing: such a condition cannot be read.
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

type parser struct {
	tokens []token
	at     int
}

func (p *parser) peek() token {
	if p.at < len(p.tokens) {
		return p.tokens[p.at]
	}
	return token{}
}

func (p *parser) take(k kind) bool {
	if p.peek().kind != k || k == end {
		return false
	}
	p.at++
	return true
}

func (p *parser) or(depth int) (Expr, error) {
	e, err := p.and(depth)
	if err != nil {
		return nil, err
	}
	list := Any{e}
	for p.take(or) {
		if e, err = p.and(depth); err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	if len(list) == 1 {
		return list[0], nil
	}
	return list, nil
}

func (p *parser) and(depth int) (Expr, error) {
	e, err := p.not(depth)
	if err != nil {
		return nil, err
	}
	list := All{e}
	for p.take(and) {
		if e, err = p.not(depth); err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	if len(list) == 1 {
		return list[0], nil
	}
	return list, nil
}

func (p *parser) not(depth int) (Expr, error) {
	if depth > maxDepth {
		return nil, ErrSyntax
	}
	switch {
	case p.take(not):
		e, err := p.not(depth + 1)
		return Not{e}, err
	case p.take(open):
		e, err := p.or(depth + 1)
		if err == nil && !p.take(closed) {
			err = ErrSyntax
		}
		return e, err
	}
	return p.compare()
}

func (p *parser) operand() (token, bool) {
	t := p.peek()
	if t.kind != word && t.kind != text {
		return t, false
	}
	p.at++
	return t, true
}

func (p *parser) compare() (Expr, error) {
	left, ok := p.operand()
	if !ok {
		return nil, ErrSyntax
	}
	operator := p.peek()
	if operator.kind != sign {
		switch {
		case left.kind == word && strings.EqualFold(left.text, "true"):
			return Constant(true), nil
		case left.kind == word && strings.EqualFold(left.text, "false"):
			return Constant(false), nil
		}
		return Unknown{}, nil
	}
	p.at++
	right, ok := p.operand()
	if !ok {
		return nil, ErrSyntax
	}
	if literal(left) && !literal(right) && (operator.op == Equal || operator.op == NotEqual || operator.op == EqualFold) {
		left, right = right, left
	}
	if literal(left) || !literal(right) {
		return Unknown{}, nil
	}
	c := Compare{Variable: left.text, Op: operator.op, Value: right.text, Bare: right.kind == word}
	if c.Bare && strings.EqualFold(c.Value, "null") {
		c.Null, c.Value = true, ""
	}
	return c, nil
}

// literal is what is not a variable.
func literal(t token) bool {
	if t.kind == text {
		return true
	}
	switch strings.ToLower(t.text) {
	case "true", "false", "null":
		return true
	}
	for _, c := range []byte(t.text) {
		if (c < '0' || c > '9') && c != '.' && c != '-' {
			return false
		}
	}
	return true
}

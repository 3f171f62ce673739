// Package condition reads the conditions of Apigee's flows, judges them for a
// request, and expresses them as the filter's when, as far as that is possible.
//
// See "Conditions reference" and "Pattern matching in conditional statements"
// in Apigee's documentation.
package condition

import (
	"errors"
	"strings"
)

// Bounds: nobody writes anything longer or deeper by hand.
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

	// Unknown has no meaning here: two variables compared with each other, or a
	// condition that cannot be read at all.
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

package catalog

import (
	"errors"
	"strings"
)

// pattern is a compiled path pattern:
//
//	/orders          that path, and no other
//	/orders/*        exactly one non-empty level in place of the star
//	/orders/*/lines  the same in the middle
//	/orders/**       everything below /orders, but not /orders or /orders/ itself
//	/                everything: like /** and the base path itself
//
// All else is literal and case-sensitive. Google's own matchers disagree on
// these; the choice here is the narrowest reading of Apigee's documents.
// A path is compared after percent-decoding, so that no spelling of it gets
// round a pattern.
type pattern struct {
	levels []string // decoded; oneLevel stands for any non-empty level
	folded []string // the same, folded
	cased  bool     // folded differs
	below  bool     // ends in /**
	all    bool     // is "/"
}

const (
	oneLevel  = "*"
	allLevels = "**"
)

func parsePattern(s string) (pattern, error) {
	switch {
	case s == "":
		return pattern{}, errors.New(`is required, for example "/orders/**"`)
	case s[0] != '/':
		return pattern{}, errors.New(`must start with "/"`)
	case AmbiguousPath(s):
		return pattern{}, errors.New(`must be a plain path, because no other gets past the gateway (no "//", "." or ".." levels, "?", "#", backslash, or percent-encoding of these or of control characters)`)
	case s == "/":
		return pattern{all: true}, nil
	}
	var p pattern
	for level, rest, more := strings.Cut(s[1:], "/"); ; level, rest, more = strings.Cut(rest, "/") {
		if level == allLevels {
			if more {
				return pattern{}, errors.New(`must have "/**" only at its end`)
			}
			p.below = true
			break
		}
		if level != oneLevel && strings.Contains(level, "*") {
			return pattern{}, errors.New(`must have "*" only as a whole level, as in "/orders/*/lines"`)
		}
		p.add(level)
		if !more {
			break
		}
	}
	return p, nil
}

// add adds a level that is not ambiguous. One with parameters is never matched
// folded: what is folded has none.
func (p *pattern) add(level string) {
	decoded := decodePath(level)
	folded, _ := fold(level)
	if strings.Contains(decoded, ";") {
		folded = decoded
	}
	p.cased = p.cased || folded != decoded
	p.levels = append(p.levels, decoded)
	p.folded = append(p.folded, folded)
}

// matches compares a decoded path that starts with "/" and is not ambiguous, or
// one that is folded.
func (p *pattern) matches(path string, folded bool) bool {
	if p.all {
		return strings.HasPrefix(path, "/")
	}
	levels := p.levels
	if folded {
		levels = p.folded
	}
	for _, want := range levels {
		if path == "" || path[0] != '/' {
			return false
		}
		level := path[1:]
		if end := strings.IndexByte(level, '/'); end >= 0 {
			level = level[:end]
		}
		if level != want && (want != oneLevel || level == "") {
			return false
		}
		path = path[1+len(level):]
	}
	if p.below {
		return len(path) > 1 && path[0] == '/' && path[1] != '/'
	}
	return path == ""
}

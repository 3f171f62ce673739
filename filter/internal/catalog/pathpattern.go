package catalog

import (
	"errors"
	"strconv"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
)

// MaxPathPatternBytes bounds the pattern of a condition.
const MaxPathPatternBytes = 256

// PathPattern is what a condition says about the path below an API's base path,
// much as Apigee's MatchesPath does:
//
//	/orders        that path
//	/orders/*      one non-empty level in place of the star
//	/orders/*.csv  a part of a level, which may be empty
//	/orders/**     /orders and all below it
//	/              the base path itself
//
// All else is literal and case-sensitive. A slash at the end, of the pattern or
// of the path, makes no difference: most backends serve both alike.
type PathPattern struct {
	levels []levelPattern
	below  bool // ends in /**
	cased  bool // a level is not its own fold
}

// levelPattern is a level as it is written and as it is folded, cut at its
// stars: a single text has no star.
type levelPattern struct{ written, folded []string }

// PathMatch is the result of matching a path. The zero value must not be acted
// on.
type PathMatch uint8

const (
	Unclear    PathMatch = iota // backends would not agree
	Matches                     // for every backend
	MatchesNot                  // for none
)

var (
	errPlainPattern = errors.New(`must be a plain path without "//", "." or ".." levels`)
	errEndOfPattern = errors.New(`must have "/**" only at its end`)
	errPatternSigns = errors.New(`must consist of "/", letters, digits, "*" and "-._~@:!&'()+,=" (percent-encoding in a request is decoded first)`)
)

// ParsePathPattern reads a pattern. An error says what it must be.
func ParsePathPattern(s string) (*PathPattern, error) {
	if s == "" || s[0] != '/' {
		return nil, errors.New(`must start with "/"`)
	}
	if len(s) > MaxPathPatternBytes {
		return nil, errors.New("must have at most " + strconv.Itoa(MaxPathPatternBytes) + " bytes")
	}
	p := &PathPattern{}
	rest := strings.TrimSuffix(s, "/")
	for rest != "" {
		level := firstLevel(rest)
		rest = rest[1+len(level):]
		if level == allLevels && rest == "" && !strings.HasSuffix(s, "/") {
			p.below = true
			break
		}
		if err := p.add(level); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *PathPattern) add(level string) error {
	folded, ok := fold(level)
	switch {
	case level == "" || !ok:
		return errPlainPattern
	case strings.Contains(level, allLevels):
		return errEndOfPattern
	case !decode.Spelled(level, "*-._~@:!&'()+,="):
		return errPatternSigns
	}
	p.cased = p.cased || folded != level
	p.levels = append(p.levels, levelPattern{cutAtStars(level), cutAtStars(folded)})
	return nil
}

// cutAtStars gives the texts between the stars of a level.
//
//go:noinline
func cutAtStars(level string) (texts []string) {
	for {
		at := strings.IndexByte(level, '*')
		if at < 0 {
			return append(texts, level)
		}
		texts = append(texts, level[:at])
		level = level[at+1:]
	}
}

// Match compares the path below a base path, as it was sent, and as the most
// lenient backend reads it (see fold): what only one of them matches is unclear,
// so that no spelling of a path gets round a condition.
func (p *PathPattern) Match(suffix string) PathMatch {
	kind := kindOf(suffix)
	if kind == ambiguousPath {
		return Unclear
	}
	sent := p.matches(decodePath(suffix), false)
	if kind != plainPath || p.cased {
		folded, ok := fold(suffix)
		if !ok || p.matches(folded, true) != sent {
			return Unclear
		}
	}
	if sent {
		return Matches
	}
	return MatchesNot
}

func (p *PathPattern) matches(path string, folded bool) bool {
	path = strings.TrimSuffix(path, "/")
	for i := range p.levels {
		if path == "" {
			return false
		}
		level := firstLevel(path)
		texts := p.levels[i].written
		if folded {
			texts = p.levels[i].folded
		}
		if !levelMatches(level, texts) {
			return false
		}
		path = path[1+len(level):]
	}
	return path == "" || p.below
}

// firstLevel is the first level of a path that starts with "/".
//
//go:noinline
func firstLevel(path string) string {
	level := path[1:]
	if end := strings.IndexByte(level, '/'); end >= 0 {
		level = level[:end]
	}
	return level
}

// levelMatches compares a level of a path: each text is looked for after the
// one before it, so a level is scanned once.
func levelMatches(level string, texts []string) bool {
	first, last := texts[0], len(texts)-1
	if last == 0 {
		return level == first
	}
	if level == "" || !strings.HasPrefix(level, first) {
		return false
	}
	level = level[len(first):]
	for _, text := range texts[1:last] {
		at := strings.Index(level, text)
		if at < 0 {
			return false
		}
		level = level[at+len(text):]
	}
	return strings.HasSuffix(level, texts[last])
}

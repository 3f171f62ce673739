package decode

import (
	"strconv"
	"unicode/utf8"
)

// Problem is one fault of a configuration. Path is like apis[0].base_path, ""
// for the document as a whole. Message continues after "path: ".
type Problem struct{ Path, Message string }

// String is "path: message".
func (p Problem) String() string {
	if p.Path == "" {
		return p.Message
	}
	return p.Path + ": " + p.Message
}

// MaxKept is how many problems are reported one by one; a host's log is no
// place for thousands of lines.
const MaxKept = 50

// Problems collects problems and keeps the first MaxKept. The zero value is
// empty. Quoted text is escaped and bounded, because it goes to a log.
type Problems struct {
	kept  []Problem
	total int
}

// Add notes a problem.
func (l *Problems) Add(path, message string) {
	l.total++
	if len(l.kept) < MaxKept {
		l.kept = append(l.kept, Problem{Path: path, Message: message})
	}
}

// AddUnseen notes p unless its path, or one above it, has a problem already:
// reporting the consequences of another fault helps nobody.
func (l *Problems) AddUnseen(p Problem) {
	for _, have := range l.kept {
		if have.Path != "" && within(p.Path, have.Path) {
			return
		}
	}
	l.Add(p.Path, p.Message)
}

// within reports whether path is parent or lies below it.
func within(path, parent string) bool {
	if len(path) < len(parent) || path[:len(parent)] != parent {
		return false
	}
	return len(path) == len(parent) || path[len(parent)] == '.' || path[len(parent)] == '['
}

// Full reports whether a further problem is only counted, so that its text need
// not be composed.
func (l *Problems) Full() bool { return len(l.kept) == MaxKept }

// Count notes a problem that would not be kept; see Full.
func (l *Problems) Count() { l.total++ }

// Empty reports whether there is no problem.
func (l *Problems) Empty() bool { return l.total == 0 }

// All returns the problems that were kept and, if there were more, a last one
// that says how many.
func (l *Problems) All() []Problem {
	if l.total > len(l.kept) {
		more := Problem{Message: "and " + strconv.Itoa(l.total-len(l.kept)) + " more"}
		return append(l.kept[:len(l.kept):len(l.kept)], more)
	}
	return l.kept
}

// maxQuoted bounds how much of a foreign text is shown, in bytes before
// escaping.
const maxQuoted = 64

// Quote shows foreign text: in quotes, escaped to ASCII, cut at a bound.
//
//go:noinline
func Quote(s string) string {
	rest := ""
	if len(s) > maxQuoted {
		s, rest = cutOff(s), "..."
	}
	return quote(s) + rest
}

// Cut shows text that needs no quotes, such as a number, cut at the same bound.
// It must be ASCII.
func Cut(s string) string {
	if len(s) <= maxQuoted {
		return s
	}
	return cutOff(s) + "..."
}

func cutOff(s string) string {
	cut := maxQuoted
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut]
}

package condition

import (
	"strings"
)

// Truth is the outcome of a condition for one request.
type Truth int

// Maybe is for a condition that depends on something not known here.
const (
	No Truth = iota
	Maybe
	Yes
)

// Judge gives the truth of a condition. value gives a variable; known is false
// for one that only Apigee has.
func Judge(e Expr, value func(variable string) (text string, null, known bool)) Truth {
	switch e := e.(type) {
	case nil:
		return Yes
	case Constant:
		if e {
			return Yes
		}
		return No
	case Not:
		return Yes - Judge(e.Of, value)
	case All:
		least := Yes
		for _, sub := range e {
			least = min(least, Judge(sub, value))
		}
		return least
	case Any:
		most := No
		for _, sub := range e {
			most = max(most, Judge(sub, value))
		}
		return most
	case Compare:
		text, null, known := value(e.Variable)
		if !known {
			return Maybe
		}
		yes, ok := judge(e, text, null)
		switch {
		case !ok:
			return Maybe
		case yes:
			return Yes
		}
	default:
		return Maybe
	}
	return No
}

// judge compares a known value; ok is false if it is not known how Apigee
// would.
func judge(e Compare, value string, null bool) (yes, ok bool) {
	if e.Null || null {
		switch e.Op {
		case Equal, EqualFold:
			return e.Null && null, true
		case NotEqual:
			return e.Null != null, true
		}
		return false, true
	}
	switch e.Op {
	case Equal:
		return value == e.Value, true
	case NotEqual:
		return value != e.Value, true
	case EqualFold:
		return strings.EqualFold(value, e.Value), true
	case StartsWith:
		return strings.HasPrefix(value, e.Value), true
	case Matches:
		return like(e.Value, value), !strings.Contains(e.Value, "%")
	case MatchesPath:
		return pathLike(strings.Split(e.Value, "/"), strings.Split(value, "/")), true
	}
	return false, false
}

// like is a match whose stars stand for anything.
func like(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	rest, ok := strings.CutPrefix(s, parts[0])
	if !ok || len(parts) == 1 {
		return ok && rest == ""
	}
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return strings.HasSuffix(rest, last)
}

// pathLike matches level by level; ** is one level or more.
func pathLike(pattern, levels []string) bool {
	if len(pattern) == 0 {
		return len(levels) == 0
	}
	if len(levels) == 0 {
		return false
	}
	if pattern[0] == "**" {
		// The last one takes all that is left.
		if len(pattern) == 1 {
			return true
		}
		return len(pattern) > 1 && len(levels) > 1 && (pathLike(pattern[1:], levels[1:]) || pathLike(pattern, levels[1:]))
	}
	return like(pattern[0], levels[0]) && (pattern[0] != "*" || levels[0] != "") && pathLike(pattern[1:], levels[1:])
}

package condition

import (
	"slices"
	"strings"
)

func compare(e Compare, s Sense, c Context) folded {
	if c.Known != nil {
		if value, null, known := c.Known(e.Variable); known {
			if yes, ok := judge(e, value, null); ok {
				return constant(yes, true)
			}
			return guess(s)
		}
	}
	name := strings.ToLower(e.Variable)
	switch {
	case c.Changed != nil && c.Changed(name):
		return guess(s)
	case name == "request.verb" || name == "message.verb":
		return method(e, s)
	case name == "proxy.pathsuffix":
		return path(e, s, "")
	case name == "request.path" || name == "message.path":
		return path(e, s, c.BasePath)
	}
	for _, prefix := range []string{"request.header.", "message.header."} {
		if header, ok := strings.CutPrefix(name, prefix); ok && judgedHeader(header) {
			return pair(e, s, func(p Pair) When { p.Name = header; return When{Header: &p} })
		}
	}
	for _, prefix := range []string{"request.queryparam.", "message.queryparam."} {
		if len(name) > len(prefix) && strings.HasPrefix(name, prefix) && plainName(name[len(prefix):]) {
			parameter := e.Variable[len(prefix):]
			return pair(e, s, func(p Pair) When { p.Name = parameter; return When{Query: &p} })
		}
	}
	return guess(s)
}

// plainName has no dot: what follows one is an index, or a count of values.
func plainName(s string) bool {
	const longest = 128
	return s != "" && len(s) <= longest && !strings.ContainsAny(s, ".{}[]")
}

// hostHeaders are headers that the filter does not judge: they belong to the
// proxy, or to the filter.
var hostHeaders = []string{"connection", "content-length", "expect", "host", "http2-settings", "keep-alive", "proxy-authenticate",
	"proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}

func judgedHeader(s string) bool {
	return plainName(s) && !slices.Contains(hostHeaders, s) && !strings.HasPrefix(s, "x-envoy-") && !strings.HasPrefix(s, "x-sallyport-")
}

func method(e Compare, s Sense) folded {
	value := e.Value
	if e.Null || value == "" || e.Bare {
		return guess(s)
	}
	if e.Op == EqualFold {
		value = strings.ToUpper(value)
	}
	for _, c := range []byte(value) {
		if c < 'A' || c > 'Z' {
			return guess(s)
		}
	}
	w := When{Method: []string{value}}
	switch e.Op {
	case Equal, EqualFold, Matches, JavaRegex, MatchesPath:
		return folded{when: w, exact: true}
	case NotEqual:
		return negate(folded{when: w, exact: true})
	}
	return guess(s)
}

func pair(e Compare, s Sense, make func(Pair) When) folded {
	if e.Null {
		there := folded{when: make(Pair{Present: true}), exact: true}
		switch e.Op {
		case Equal, EqualFold:
			return negate(there)
		case NotEqual:
			return there
		}
		return guess(s)
	}
	// Apigee compares the first value, up to a comma; the filter any value.
	if e.Bare || e.Value == "" || strings.ContainsAny(e.Value, ",\r\n") || len(e.Value) > 1024 || e.Value != strings.TrimSpace(e.Value) {
		return guess(s)
	}
	there := folded{when: make(Pair{Equals: e.Value}), exact: true}
	switch e.Op {
	case Equal:
		return there
	case NotEqual:
		return negate(there)
	}
	return guess(s)
}

// path gives patterns on the path below the base path.
func path(e Compare, s Sense, base string) folded {
	if e.Null || e.Bare {
		return guess(s)
	}
	value, ok := strings.CutPrefix(e.Value, base)
	if !ok || base != "" && value != "" && value[0] != '/' {
		return guess(s)
	}
	switch e.Op {
	case Equal, NotEqual:
		if strings.Contains(value, "*") || !goodPath(value) {
			return guess(s)
		}
		f := folded{when: When{Path: value}, exact: true}
		if e.Op == NotEqual {
			return negate(f)
		}
		return f
	case MatchesPath:
		if !goodPath(value) || !goodPattern(value) {
			return guess(s)
		}
		if parent, ok := strings.CutSuffix(value, "/**"); ok {
			return below(parent, s)
		}
		return folded{when: When{Path: value}, exact: true}
	case Matches, StartsWith:
		return prefixed(e.Op, value, s)
	}
	return guess(s)
}

// prefixed is for patterns whose star crosses levels.
func prefixed(op Op, value string, s Sense) folded {
	head := value
	if op == Matches {
		var star bool
		if head, star = strings.CutSuffix(value, "*"); !star {
			if strings.ContainsAny(value, "*%") || !goodPath(value) {
				return guess(s)
			}
			return folded{when: When{Path: value}, exact: true}
		}
	}
	switch head {
	case "":
		return constant(true, true)
	case "/":
		return below("", s)
	}
	if strings.ContainsAny(head, "*%") || !goodPath(head) {
		return guess(s)
	}
	if parent, ok := strings.CutSuffix(head, "/"); ok {
		return below(parent, s)
	}
	return folded{when: When{Path: head + "*/**"}, exact: true}
}

// below is for everything below a path. The filter's pattern includes the path
// itself, on which Apigee's matchers disagree.
func below(parent string, s Sense) folded {
	switch {
	case parent == "" && s == AtLeast:
		return constant(true, true)
	case parent == "":
		return folded{when: When{Not: &When{Path: "/"}}, exact: true}
	}
	under := When{Path: parent + "/**"}
	if s == AtLeast {
		return folded{when: under, exact: true}
	}
	return folded{when: When{All: []When{under, {Not: &When{Path: parent}}}}, exact: true}
}

// goodPath has only characters that every reader takes literally.
func goodPath(p string) bool {
	if p == "" || p[0] != '/' || strings.Contains(p, "//") || len(p) > maxPathBytes {
		return false
	}
	for _, level := range strings.Split(p[1:], "/") {
		if level == "." || level == ".." {
			return false
		}
		for _, c := range []byte(level) {
			if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte("-._~*@+=,:!&'()", c) < 0 {
				return false
			}
		}
	}
	return true
}

// goodPattern has ** only as its last level.
func goodPattern(p string) bool {
	head, _ := strings.CutSuffix(p, "/**")
	return !strings.Contains(head, "**")
}

// Package readingstest has what backends make of a request path, and spellings
// by which a path can mean one thing to a gateway and another to a backend.
package readingstest

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// Backend is a way to read the path of a request target. It returns the path of
// the resource that is served, or "" when the request is refused.
type Backend struct {
	Name string
	Read func(target string) string
}

// Backends are the two that differ most.
var Backends = []Backend{{"Tomcat", Tomcat}, {"Express", Express}}

// Tomcat reads as Tomcat's CoyoteAdapter does, where slashes may be encoded:
// escapes are decoded once, the parameters of each level are cut, a backslash
// is a slash, double slashes are merged, and dot segments are resolved.
func Tomcat(target string) string {
	decoded, ok := decode(target)
	if !ok {
		return ""
	}
	levels := strings.Split(strings.ReplaceAll(decoded, `\`, "/"), "/")
	for i, level := range levels {
		levels[i], _, _ = strings.Cut(level, ";")
	}
	return path.Clean("/" + strings.Join(levels, "/"))
}

// Express reads as the routers of Express do: escapes are decoded once, letter
// case and a slash at the end do not count, and dot segments stay.
func Express(target string) string {
	decoded, ok := decode(target)
	if !ok {
		return ""
	}
	decoded = strings.ToLower(decoded)
	if len(decoded) > 1 {
		decoded = strings.TrimSuffix(decoded, "/")
	}
	return decoded
}

// decode returns the path of a target, decoded once.
func decode(target string) (decoded string, ok bool) {
	target, _, _ = strings.Cut(target, "?")
	var b strings.Builder
	for i := 0; i < len(target); i++ {
		if target[i] != '%' {
			b.WriteByte(target[i])
			continue
		}
		if i+2 >= len(target) {
			return "", false
		}
		c, err := strconv.ParseUint(target[i+1:i+3], 16, 8)
		if err != nil || c == 0 {
			return "", false
		}
		b.WriteByte(byte(c))
		i += 2
	}
	return b.String(), true
}

// Below reports whether a path that was read is the base path or below it.
func Below(read, base string) bool {
	return read == base || strings.HasPrefix(read, base+"/")
}

// between are what may stand between an open path and a guarded one, so that
// resolving it leads to the guarded one.
var between = []string{
	"/..", "/./..", "/%2e%2e", "/%2E%2E", "/.%2e", "/%2e.", "/%252e%252e", "/..;", "/..;x=1", "/%2e%2e;", "/%2e%2e;x", "/..%3b", "/%2e%2e%3B",
	"/.;/..;", "/;/..", "/;x/..;", "/a/../..", "/a;x/..;/..;", "/%2e%2e;/%2e%2e;", "/..%2f", "/%2e%2e%2f", "%2f..%2f", "/..%5c", `\..\`, `/..\`,
	"//..", "/..%20", "/..%09", "/..%00", "/%c0%ae%c0%ae", "/%25%32%65%25%32%65", "/%EF%BC%8E%EF%BC%8E", "/..%252f", "/.%2e;", ";/..", ";x=/..;", "/%2e%2e;a=b;c",
	"/..%23", "/..%3f", "/%u002e%u002e", "/a/%2e%2e/..;",
}

// Spellings are request targets of a guarded path, such as "/orders/1": by way
// of the open path, such as "/public", and directly. The guarded path has two
// levels at least.
func Spellings(open, guarded string) []string {
	var all []string
	for _, up := range between {
		depth := strings.Count(open, "/")
		all = append(all, open+strings.Repeat(up, depth)+guarded)
	}
	first, rest, _ := strings.Cut(guarded[1:], "/")
	rest = "/" + rest
	escape := func(c byte) string { return "%" + strconv.FormatUint(uint64(c), 16) }
	all = append(all,
		guarded, strings.ToUpper(guarded), "/"+strings.ToUpper(first[:1])+first[1:]+rest, "/"+first[:1]+strings.ToUpper(first[1:])+rest,
		"/"+first+";"+rest, "/"+first+";x=1"+rest, "/;"+guarded, "/;x"+guarded, "/"+first+"%3b"+rest, "/"+strings.ToUpper(first)+";x"+rest,
		"/"+escape(first[0])+first[1:]+rest, "/%25"+escape(first[0])[1:]+first[1:]+rest, "/"+first[:1]+escape(first[1]-'a'+'A')+first[2:]+rest,
		"/"+guarded, "/."+guarded, "/%2e"+guarded, "/.;"+guarded, "/"+first+"%2f"+rest[1:], "/"+first+"/"+rest, "/"+first+`\`+rest[1:], "/"+first+"%5c"+rest[1:],
		"/"+first+"/."+rest, "/"+first+"/;"+rest, "/"+first+"/a/.."+rest, "/"+first+"/%2e"+rest, "/"+first+"%20"+rest, "/%20"+first+rest, "/"+first+"."+rest,
		guarded+";", guarded+"/", guarded+"%3f", guarded+"%23", guarded+"%3fx=/"+open[1:], guarded+"?x="+open,
	)
	slices.Sort(all)
	return slices.Compact(all)
}

// Separators are the bytes that a header name may have besides letters and
// digits (RFC 9110 section 5.6.2). CGI, WSGI and PHP take each for "_".
const Separators = "!#$%&'*+-.^_`|~"

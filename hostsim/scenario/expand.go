package scenario

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Vars are the values that ${...} stands for.
type Vars struct {
	// Now is the guest's wall clock at the moment of the expansion.
	Now time.Time
	// ClusterName turns the file's name of a cluster into the host's. Nil keeps it.
	ClusterName func(name string) string
}

const (
	// maxExpansion bounds what the ${...} of one expansion make, in bytes: a
	// header or body above every limit of a host fits, an explosion does not.
	maxExpansion = 2 << 20
	// maxOffset bounds the seconds of ${now+N}: a century and a bit, so that the
	// result is a date that can be printed.
	maxOffset = 4_000_000_000
	// maxClusterName bounds a cluster's name.
	maxClusterName = 64
)

// expander replaces ${...} within one budget and keeps the first error.
type expander struct {
	vars     Vars
	left     int
	err      error
	clusters map[string]bool // every name that was asked for
}

func newExpander(v Vars) *expander {
	return &expander{vars: v, left: maxExpansion, clusters: map[string]bool{}}
}

// text returns s with every ${...} replaced, once: a replacement is not read again.
func (x *expander) text(s string) string { return x.replace(s, func(v string) string { return v }) }

// expected is text for an expectation: in a regular expression the replacements
// are quoted, so that they match themselves.
func (x *expander) expected(s string) string {
	if strings.HasPrefix(s, pattern) {
		return x.replace(s, regexp.QuoteMeta)
	}
	return x.text(s)
}

func (x *expander) replace(s string, treat func(string) string) string {
	before, rest, found := strings.Cut(s, "${")
	if !found {
		return s
	}
	var b strings.Builder
	for found {
		b.WriteString(before)
		expr, after, closed := strings.Cut(rest, "}")
		if !closed {
			x.fail("${%s is not closed: write }", cut(rest))
			return b.String()
		}
		value := x.value(expr)
		if x.left -= len(value); x.left < 0 {
			x.fail("${%s} makes the text longer than %d bytes: use less", cut(expr), maxExpansion)
			return b.String()
		}
		b.WriteString(treat(value))
		before, rest, found = strings.Cut(after, "${")
	}
	b.WriteString(before)
	return b.String()
}

// value is what one expression between the braces stands for.
func (x *expander) value(expr string) string {
	if name, ok := strings.CutPrefix(expr, "cluster."); ok {
		return x.clusterName(name)
	}
	if text, ok := strings.CutPrefix(expr, "sha256:"); ok {
		sum := sha256.Sum256([]byte(text))
		return hex.EncodeToString(sum[:])
	}
	if text, ok := strings.CutPrefix(expr, "base64:"); ok {
		return base64.StdEncoding.EncodeToString([]byte(text))
	}
	if spec, ok := strings.CutPrefix(expr, "repeat:"); ok {
		return x.repeat(spec)
	}
	if spec, ok := strings.CutPrefix(expr, "jwt:"); ok {
		return x.made(jwt(spec, x.vars.Now))
	}
	if names, ok := strings.CutPrefix(expr, "jwks:"); ok {
		return x.made(keySet(names))
	}
	if t, ok := x.clock(expr, "now"); ok {
		return strconv.FormatInt(t.Unix(), 10)
	}
	if t, ok := x.clock(expr, "time"); ok {
		return t.UTC().Format(time.RFC3339)
	}
	x.fail("unknown ${%s}: write now, now+N, time, time+N, cluster.NAME, sha256:TEXT, base64:TEXT, repeat:N:TEXT, jwt:KEY;... or jwks:KEY", cut(expr))
	return ""
}

// made is a value that may have failed.
func (x *expander) made(value string, err error) string {
	if err != nil {
		x.fail("%v", err)
	}
	return value
}

func (x *expander) clusterName(name string) string {
	if !isClusterName(name) {
		x.fail("cluster name %s is not 1 to %d of a-z, 0-9, _ and -", quote(name), maxClusterName)
		return ""
	}
	x.clusters[name] = true
	if x.vars.ClusterName == nil {
		return name
	}
	return x.vars.ClusterName(name)
}

func (x *expander) repeat(spec string) string {
	count, text, ok := strings.Cut(spec, ":")
	n, err := strconv.Atoi(count)
	if !ok || err != nil || n < 1 || text == "" {
		x.fail("${repeat:%s} is not repeat:N:TEXT with N from 1", cut(spec))
		return ""
	}
	if n > x.left/len(text) {
		x.fail("${repeat:%s} makes the text longer than %d bytes: use less", cut(spec), maxExpansion)
		return ""
	}
	return strings.Repeat(text, n)
}

// clock reads WORD, WORD+N or WORD-N with N in seconds.
func (x *expander) clock(expr, word string) (time.Time, bool) {
	offset, ok := strings.CutPrefix(expr, word)
	if !ok {
		return time.Time{}, false
	}
	if offset == "" {
		return x.vars.Now, true
	}
	n, err := strconv.ParseInt(offset, 10, 64)
	if err != nil || offset[0] != '+' && offset[0] != '-' || n > maxOffset || n < -maxOffset {
		return time.Time{}, false
	}
	return x.vars.Now.Add(time.Duration(n) * time.Second), true
}

func (x *expander) fail(format string, args ...any) {
	if x.err == nil {
		x.err = fmt.Errorf(format, args...)
	}
}

func (x *expander) headers(in []Header, text func(string) string) []Header {
	out := make([]Header, len(in))
	for i, h := range in {
		out[i] = Header{Name: text(h.Name), Value: text(h.Value)}
	}
	return out
}

// request and response expand what is sent; wantRequest and wantResponse expand
// what is expected, where a leading ~ has a meaning.
func (x *expander) request(r Request) Request {
	out := Request{Method: r.Method, Target: x.text(r.Target), Body: []byte(x.text(string(r.Body))), Pieces: r.Pieces}
	out.Headers, out.Trailers = splitTrailers(x.headers(r.Headers, x.text))
	return out
}

func (x *expander) wantRequest(r Request) Request {
	return Request{Method: r.Method, Target: x.expected(r.Target),
		Headers: x.headers(r.Headers, x.expected), Body: []byte(x.expected(string(r.Body)))}
}

func (x *expander) response(r Response) Response {
	out := Response{Status: r.Status, Body: []byte(x.text(string(r.Body)))}
	out.Headers, out.Trailers = splitTrailers(x.headers(r.Headers, x.text))
	return out
}

func (x *expander) wantResponse(r Response) Response {
	return Response{Status: r.Status,
		Headers: x.headers(r.Headers, x.expected), Body: []byte(x.expected(string(r.Body)))}
}

func (x *expander) answer(a Answer) Answer {
	a.Response, a.Messages = x.response(a.Response), x.messages(a.Messages)
	return a
}

func isClusterName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= maxClusterName
}

// cut shortens an expression for a message.
func cut(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	if len(s) > 60 {
		return s[:60] + "..."
	}
	return s
}

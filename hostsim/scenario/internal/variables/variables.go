// Package variables replaces the ${...} of scenarios.
package variables

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario/internal/pattern"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/internal/testtoken"
)

// MaxSingle bounds what the ${...} of one message make, in bytes, where it is
// read by itself: an answer above all limits of a host fits.
const MaxSingle = 64 << 20

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
	// MaxName bounds a cluster's name.
	MaxName = 64
)

// Expander replaces ${...} within one budget and keeps the first error.
type Expander struct {
	vars     Vars
	Left     int             // bytes
	Err      error           // the first
	Clusters map[string]bool // every name that was asked for
}

func New(v Vars) *Expander {
	return &Expander{vars: v, Left: maxExpansion, Clusters: map[string]bool{}}
}

// Text returns s with every ${...} replaced, once: a replacement is not read again.
func (x *Expander) Text(s string) string { return x.replace(s, func(v string) string { return v }) }

// Expected is Text for an expectation: in a regular expression the replacements
// are quoted, so that they match themselves.
func (x *Expander) Expected(s string) string {
	if pattern.Is(s) {
		return x.replace(s, regexp.QuoteMeta)
	}
	return x.Text(s)
}

func (x *Expander) replace(s string, treat func(string) string) string {
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
		if x.Left -= len(value); x.Left < 0 {
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
func (x *Expander) value(expr string) string {
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
		return x.made(testtoken.JWT(spec, x.vars.Now))
	}
	if names, ok := strings.CutPrefix(expr, "jwks:"); ok {
		return x.made(testtoken.KeySet(names))
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
func (x *Expander) made(value string, err error) string {
	if err != nil {
		x.fail("%v", err)
	}
	return value
}

func (x *Expander) clusterName(name string) string {
	if !IsClusterName(name) {
		x.fail("cluster name %q is not 1 to %d of a-z, 0-9, _ and -", cut(name), MaxName)
		return ""
	}
	x.Clusters[name] = true
	if x.vars.ClusterName == nil {
		return name
	}
	return x.vars.ClusterName(name)
}

func (x *Expander) repeat(spec string) string {
	count, text, ok := strings.Cut(spec, ":")
	n, err := strconv.Atoi(count)
	if !ok || err != nil || n < 1 || text == "" {
		x.fail("${repeat:%s} is not repeat:N:TEXT with N from 1", cut(spec))
		return ""
	}
	if n > x.Left/len(text) {
		x.fail("${repeat:%s} makes the text longer than %d bytes: use less", cut(spec), maxExpansion)
		return ""
	}
	return strings.Repeat(text, n)
}

// clock reads WORD, WORD+N or WORD-N with N in seconds.
func (x *Expander) clock(expr, word string) (time.Time, bool) {
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

func (x *Expander) fail(format string, args ...any) {
	if x.Err == nil {
		x.Err = fmt.Errorf(format, args...)
	}
}

// Text is s with every ${...} replaced.
func (v Vars) Text(s string) (string, error) {
	x := New(v)
	x.Left = MaxSingle
	s = x.Text(s)
	return s, x.Err
}

// IsClusterName reports whether a name can be one in a file.
func IsClusterName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= MaxName
}

// cut shortens an expression for a message.
func cut(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	if len(s) > 60 {
		return s[:60] + "..."
	}
	return s
}

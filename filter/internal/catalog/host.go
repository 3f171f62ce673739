package catalog

import (
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
)

// maxHostLength is the longest name of the DNS (RFC 1035 section 2.3.4), with
// room for the brackets of an IPv6 address.
const maxHostLength = 255

// hostTable finds an API by host and path.
type hostTable struct {
	exact    byName // of those in named
	named    []*baseTable
	wildcard map[string]*baseTable // by what follows the star: ".example.com"
	any      *baseTable
	above    []bool // by API: another one for the same host lies below it
	cased    bool   // a base path differs from its fold
}

// baseTable finds an API by the base path; "" stands for the base path "/".
type baseTable struct {
	byBase  byName
	folded  byName // by the fold of the base path
	longest int    // length of the longest base path
}

func newHostTable(apis []API, ch *checker) hostTable {
	t := hostTable{wildcard: map[string]*baseTable{}, any: &baseTable{}, above: make([]bool, len(apis))}
	for i, a := range apis {
		folded := a.fold()
		t.cased = t.cased || folded != a.base()
		for j, host := range a.hosts() {
			b := t.table(host)
			if other, taken := b.folded.get(folded); taken {
				ch.taken(apis, i, j, other)
				continue
			}
			b.add(a.base(), folded, i)
		}
	}
	for _, a := range apis {
		for _, host := range a.hosts() {
			t.table(host).mark(a.fold(), t.above)
		}
	}
	return t
}

// hosts are those of the API, "" for any.
func (a *API) hosts() []string {
	if len(a.Hosts) == 0 {
		return anyHost[:]
	}
	return a.Hosts
}

var anyHost = [1]string{""}

// base is the base path, "" for "/".
func (a *API) base() string {
	if a.BasePath == "/" {
		return ""
	}
	return a.BasePath
}

// fold is the fold of the base path; having none is reported elsewhere.
func (a *API) fold() string {
	folded, ok := fold(a.base())
	if !ok {
		return a.BasePath
	}
	return folded
}

// table gives the base paths of a configured host, an empty table at first.
func (t *hostTable) table(host string) *baseTable {
	if host == "" {
		return t.any
	}
	host = ascii.Lower(host)
	if strings.HasPrefix(host, "*.") {
		if t.wildcard[host[1:]] == nil {
			t.wildcard[host[1:]] = &baseTable{}
		}
		return t.wildcard[host[1:]]
	}
	if b := t.own(host); b != nil {
		return b
	}
	t.exact.add(host, len(t.named))
	t.named = append(t.named, &baseTable{})
	return t.named[len(t.named)-1]
}

// own gives the base paths of a host that is configured by exactly that name,
// nil for none.
func (t *hostTable) own(host string) *baseTable {
	if number, ok := t.exact.get(host); ok {
		return t.named[number]
	}
	return nil
}

func (b *baseTable) add(base, folded string, index int) {
	b.byBase.add(base, index)
	b.folded.add(folded, index)
	b.longest = max(b.longest, len(base))
}

// mark notes the APIs that lie above a folded base path.
func (b *baseTable) mark(folded string, above []bool) {
	for end := len(folded) - 1; end >= 0; end-- {
		if folded[end] != '/' {
			continue
		}
		if index, ok := b.folded.get(folded[:end]); ok {
			above[index] = true
		}
	}
}

// find gives the API with the longest base path that path lies under, on the
// boundary of a level. bases is b.byBase, or b.folded for a path that is folded.
func (b *baseTable) find(bases *byName, path string) (index, length int, ok bool) {
	if path == "" || path[0] != '/' {
		return 0, 0, false
	}
	for end := min(len(path), b.longest); end >= 0; end-- {
		if end > 0 && end < len(path) && path[end] != '/' {
			continue
		}
		if index, ok := bases.get(path[:end]); ok {
			return index, end, true
		}
	}
	return 0, 0, false
}

// found is an API that a path lies under.
type found struct {
	index, length int  // of the API; of its base path
	passed        bool // a table of names closer to the host was passed over
}

// find tries the exact host, then wildcards from the longest to the shortest,
// then any host; the first that has a base path for the path wins.
func (t *hostTable) find(host, path string, folded bool) (f found, ok bool) {
	return t.findBelow(t.own(host), host, path, folded)
}

// findBelow is find for a host whose own table is already known, nil for none.
func (t *hostTable) findBelow(own *baseTable, host, path string, folded bool) (f found, ok bool) {
	if f.look(own, path, folded) {
		return f, true
	}
	if len(t.wildcard) > 0 {
		for i := 1; i < len(host); i++ {
			if host[i] == '.' && f.look(t.wildcard[host[i:]], path, folded) {
				return f, true
			}
		}
	}
	return f, f.look(t.any, path, folded)
}

func (f *found) look(b *baseTable, path string, folded bool) (ok bool) {
	if b == nil {
		return false
	}
	bases := &b.byBase
	if folded {
		bases = &b.folded
	}
	f.index, f.length, ok = b.find(bases, path)
	f.passed = f.passed || !ok
	return ok
}

// Match is what a catalog has for a request. The zero value is nothing.
type Match uint8

const (
	NoAPI        Match = iota
	AmbiguousAPI       // the path is ambiguous, or its readings belong to several APIs
	ResolvedAPI        // one API, whatever the backend makes of the path
)

// ResolveAPI finds the API that a request addresses: by host (case and port do
// not matter; exact names before wildcards before APIs for any host) and by the
// longest base path. suffix is the path below the base path, "/" at least, as
// it was sent. A path that addresses one API as it stands and another as a
// lenient backend reads it (decoded once or more, without path parameters, in
// lower case) is ambiguous: otherwise the sequence of one API would guard a
// door of the other.
func (c *Catalog) ResolveAPI(authority, path string) (index int, suffix string, match Match) {
	kind := kindOf(path)
	folded := path
	if kind == encodedPath {
		var ok bool
		if folded, ok = fold(path); !ok {
			kind = ambiguousPath
		}
	}
	if kind == ambiguousPath {
		return 0, "", AmbiguousAPI
	}
	host := authority
	own := c.byHost.own(authority)
	if own == nil { // else it is as configured: a host in lower case, without a port
		var ok bool
		if host, ok = requestHost(authority); !ok {
			return 0, "", NoAPI
		}
		own = c.byHost.own(host)
	}
	f, ok := c.byHost.findBelow(own, host, path, false)
	if !ok {
		return 0, "", NoAPI
	}
	// Without an API below this one, or one that is closer to the host, every
	// reading begins with this base path.
	if (f.passed || c.byHost.above[f.index]) && (kind != plainPath || c.byHost.cased) {
		if kind == casedPath {
			folded, _ = fold(path)
		}
		if other, ok := c.byHost.find(host, folded, true); !ok || other.index != f.index {
			return 0, "", AmbiguousAPI
		}
	}
	if suffix = path[f.length:]; suffix == "" {
		suffix = "/"
	}
	return f.index, suffix, ResolvedAPI
}

// requestHost takes the port off an authority, and the dot off a fully
// qualified name, and makes it lower case. What is not a host is refused: an
// API for any host must not answer for a name that is read in different ways.
func requestHost(authority string) (host string, ok bool) {
	host = authority
	if colon := strings.LastIndexByte(host, ':'); colon >= 0 && colon > strings.LastIndexByte(host, ']') {
		for _, c := range []byte(host[colon+1:]) {
			if c < '0' || c > '9' {
				return "", false
			}
		}
		host = host[:colon]
	}
	host = strings.TrimSuffix(host, ".")
	if !validHost(host) {
		return "", false
	}
	return ascii.Lower(host), true
}

// validHost accepts names of non-empty labels of letters, digits, '-' and '_',
// IPv4 addresses, and IPv6 addresses in brackets.
func validHost(host string) bool {
	if host == "" || len(host) > maxHostLength {
		return false
	}
	if host[0] == '[' {
		return validIPv6(host)
	}
	label := 0
	for i := range len(host) {
		switch c := host[i]; {
		case isAlphanumeric(c) || c == '-' || c == '_':
			label++
		case c == '.' && label > 0:
			label = 0
		default:
			return false
		}
	}
	return label > 0
}

// validIPv6 looks at the alphabet only: the text is compared, never parsed.
func validIPv6(host string) bool {
	if len(host) < 4 || host[len(host)-1] != ']' {
		return false
	}
	for _, c := range []byte(host[1 : len(host)-1]) {
		if !ascii.IsHexDigit(c) && c != ':' && c != '.' {
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

package catalog

import (
	"strconv"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/problem"
)

// maxHostLength is the longest name of the DNS (RFC 1035 section 2.3.4), with
// room for the brackets of an IPv6 address.
const maxHostLength = 255

// hostTable finds an API by host and path.
type hostTable struct {
	exact    map[string]*baseTable
	wildcard map[string]*baseTable // by what follows the star: ".example.com"
	any      *baseTable
}

// baseTable finds an API by the base path; "" stands for the base path "/".
type baseTable struct {
	byBase  map[string]int
	longest int // length of the longest base path
}

func newHostTable(apis []API, ch *checker) hostTable {
	t := hostTable{exact: map[string]*baseTable{}, wildcard: map[string]*baseTable{}, any: &baseTable{}}
	for i, a := range apis {
		base := a.BasePath
		if base == "/" {
			base = ""
		}
		if len(a.Hosts) == 0 {
			if other, taken := t.any.add(base, i); taken {
				ch.add(apiPath(i)+".base_path", "must be the only one for any host, got "+problem.Quote(a.BasePath)+", also at "+apiPath(other))
			}
			continue
		}
		for j, host := range a.Hosts {
			if other, taken := t.table(host).add(base, i); taken {
				path := apiPath(i) + ".hosts[" + strconv.Itoa(j) + "]"
				if other == i {
					ch.add(path, "must be listed once, got "+problem.Quote(host)+" twice")
				} else {
					ch.add(path, "must not have the same base path as another API, got "+problem.Quote(host)+" with "+problem.Quote(a.BasePath)+", also at "+apiPath(other))
				}
			}
		}
	}
	return t
}

// table gives the base paths of a configured host, an empty table at first.
func (t *hostTable) table(host string) *baseTable {
	host = ascii.Lower(host)
	tables := t.exact
	if strings.HasPrefix(host, "*.") {
		tables, host = t.wildcard, host[1:]
	}
	if tables[host] == nil {
		tables[host] = &baseTable{}
	}
	return tables[host]
}

func (b *baseTable) add(base string, index int) (other int, taken bool) {
	if other, taken := b.byBase[base]; taken {
		return other, true
	}
	if b.byBase == nil {
		b.byBase = map[string]int{}
	}
	b.byBase[base] = index
	b.longest = max(b.longest, len(base))
	return 0, false
}

// find gives the API with the longest base path that path lies under, on the
// boundary of a level.
func (b *baseTable) find(path string) (index, length int, ok bool) {
	if b == nil || path == "" || path[0] != '/' {
		return 0, 0, false
	}
	for end := min(len(path), b.longest); end >= 0; end-- {
		if end > 0 && end < len(path) && path[end] != '/' {
			continue
		}
		if index, ok := b.byBase[path[:end]]; ok {
			return index, end, true
		}
	}
	return 0, 0, false
}

// find tries the exact host, then wildcards from the longest to the shortest,
// then any host; the first that has a base path for the path wins.
func (t *hostTable) find(host, path string) (index, length int, ok bool) {
	if index, length, ok = t.exact[host].find(path); ok {
		return index, length, ok
	}
	if len(t.wildcard) > 0 {
		for i := 1; i < len(host); i++ {
			if host[i] != '.' {
				continue
			}
			if index, length, ok = t.wildcard[host[i:]].find(path); ok {
				return index, length, ok
			}
		}
	}
	return t.any.find(path)
}

// ResolveAPI finds the API that a request addresses: by host (case and port do
// not matter; exact names before wildcards before APIs for any host) and by
// the longest base path. suffix is the path below the base path, "/" at least,
// as it was sent. Ambiguous paths address nothing; nor do those that address
// one API as they stand and another once decoded or without path parameters,
// or the sequence of one API would guard a door of the other.
func (c *Catalog) ResolveAPI(authority, path string) (index int, suffix string, ok bool) {
	host, ok := requestHost(authority)
	if !ok || AmbiguousPath(path) {
		return 0, "", false
	}
	index, length, ok := c.byHost.find(host, path)
	if !ok {
		return 0, "", false
	}
	decoded := decodePath(path)
	for _, reading := range [...]string{decoded, withoutParameters(decoded)} {
		if reading == path {
			continue
		}
		if other, _, ok := c.byHost.find(host, reading); !ok || other != index {
			return 0, "", false
		}
	}
	if suffix = path[length:]; suffix == "" {
		suffix = "/"
	}
	return index, suffix, true
}

// requestHost takes the port off an authority, and the dot off a fully
// qualified name, and makes it lower case. What is not a host is refused: an
// API for any host must not answer for a name that nobody can read alike.
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
		if unhex(c) > 15 && c != ':' && c != '.' {
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

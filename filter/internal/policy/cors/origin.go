package cors

import (
	"errors"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
)

// MaxOriginBytes bounds an origin: a scheme, a name of the DNS and a port.
const MaxOriginBytes = 300

// Origin is one that may call, or a pattern for those below a domain.
type Origin struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	scheme string // with "://"
	host   string // with the port; for a pattern, what follows the star
	whole  string // as browsers send it; "" for a pattern
}

var (
	errOrigin = errors.New(`must be an origin such as "https://app.example.com" or "https://*.example.com", without a path`)
	errPort   = errors.New("must leave out the default port, as browsers do")
)

// ParseOrigin reads SCHEME://HOST, with a port or not, or SCHEME://*.HOST for
// every name below one. Browsers write origins in lower case and without the
// default port (RFC 6454 section 6.2). It keeps s.
func ParseOrigin(s string) (o Origin, err error) {
	s = ascii.Lower(s)
	colon := strings.IndexByte(s, ':')
	if colon < 1 || len(s) > MaxOriginBytes || len(s) < colon+3 || s[colon:colon+3] != "://" || !decode.Spelled(s[:colon], "+-.") || !isLower(s[0]) {
		return o, errOrigin
	}
	o.scheme, o.host = s[:colon+3], s[colon+3:]
	below := len(o.host) > 2 && o.host[:2] == "*."
	if below {
		o.host = o.host[1:]
	} else {
		o.whole = s
	}
	name, port := o.host, ""
	if at := strings.LastIndexByte(name, ':'); at > strings.LastIndexByte(name, ']') {
		name, port = name[:at], name[at:]
	}
	switch {
	case below && !isName(name[1:]), !below && !isName(name) && !isAddress(name), port != "" && !isPort(port[1:]):
		return o, errOrigin
	case o.scheme == "https://" && port == ":443", o.scheme == "http://" && port == ":80":
		return o, errPort
	}
	return o, nil
}

// allows compares an origin as it was sent.
func (o *Origin) allows(sent string) bool {
	if o.whole != "" {
		return sent == o.whole
	}
	return len(sent) <= MaxOriginBytes && strings.HasPrefix(sent, o.scheme) && strings.HasSuffix(sent, o.host) &&
		len(sent) > len(o.scheme)+len(o.host) && isName(sent[len(o.scheme):len(sent)-len(o.host)])
}

// isName accepts non-empty labels with dots between.
//
//go:noinline
func isName(s string) bool {
	label := 0
	for i := range len(s) {
		switch c := s[i]; {
		case isLower(c) || isDigit(c) || c == '-' || c == '_':
			label++
		case c == '.' && label > 0:
			label = 0
		default:
			return false
		}
	}
	return label > 0
}

// isAddress looks at the alphabet of an IPv6 address in brackets only.
func isAddress(s string) bool {
	if len(s) < 4 || s[0] != '[' || s[len(s)-1] != ']' {
		return false
	}
	for _, c := range []byte(s[1 : len(s)-1]) {
		if strings.IndexByte("0123456789abcdef:.", c) < 0 {
			return false
		}
	}
	return true
}

func isPort(s string) bool {
	for _, c := range []byte(s) {
		if !isDigit(c) {
			return false
		}
	}
	return s != "" && len(s) <= 5 && s[0] != '0'
}

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }

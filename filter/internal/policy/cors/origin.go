package cors

import (
	"errors"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
)

// MaxOriginBytes bounds an origin: a scheme, a name of the DNS and a port.
const MaxOriginBytes = 300

// Origin is one that may call, or a pattern for those below a domain.
type Origin struct {
	scheme string // with "://"
	host   string // with the port; behind the star, for a pattern
	whole  string // as browsers send it; "" for a pattern
}

// ParseOrigin reads SCHEME://HOST, with a port or not, or SCHEME://*.HOST for every
// name below one. Browsers write origins in small letters and without a port that
// goes without saying (RFC 6454 section 6.2).
func ParseOrigin(s string) (Origin, error) {
	wrong := errors.New(`must be an origin such as "https://app.example.com" or "https://*.example.com", without a path`)
	s = ascii.Lower(s)
	scheme, host, ok := strings.Cut(s, "://")
	if !ok || len(s) > MaxOriginBytes || !isScheme(scheme) {
		return Origin{}, wrong
	}
	name, port, hasPort := host, "", false
	if colon := strings.LastIndexByte(host, ':'); colon > strings.LastIndexByte(host, ']') {
		name, port, hasPort = host[:colon], host[colon+1:], true
	}
	o := Origin{scheme: strings.Clone(scheme + "://")}
	if below := strings.TrimPrefix(name, "*."); below != name {
		name = below
	} else {
		o.whole = strings.Clone(s)
	}
	if !isName(name) && (o.whole == "" || !isAddress(name)) || hasPort && !isPort(port) {
		return Origin{}, wrong
	}
	if scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		return Origin{}, errors.New("must leave out the port that goes without saying, as browsers do")
	}
	o.host = strings.Clone(host[strings.IndexByte(host, '*')+1:])
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
		if !isDigit(c) && (c < 'a' || c > 'f') && c != ':' && c != '.' {
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

// isScheme: RFC 3986 section 3.1.
func isScheme(s string) bool {
	for i, c := range []byte(s) {
		if !isLower(c) && (i == 0 || !isDigit(c) && strings.IndexByte("+-.", c) < 0) {
			return false
		}
	}
	return s != ""
}

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }

package decode

import (
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/ipaddr"
)

const (
	// maxVisible bounds a text that goes into calls, in bytes.
	maxVisible = 1024
	// maxHeaderName bounds the name of a header, in bytes.
	maxHeaderName = 128
	// maxPrefixes bounds one list of addresses: every request goes through it.
	maxPrefixes = 256
)

// Parse reads a string with the given parser, whose errors continue after the
// path: "must be ...".
func (r *Reader) Parse(v Value, parser func(string) error) {
	s, ok := r.Text(v)
	if !ok {
		return
	}
	if err := parser(s); err != nil {
		r.Got(err.Error(), s)
	}
}

// Printable reads ASCII text that may have blanks: what RFC 6749 appendix A.1
// allows as a client id.
func (r *Reader) Printable(v Value) string {
	s, ok := r.Text(v)
	if ok && (s == "" || len(s) > maxVisible || !inRange(s, ' ', '~')) {
		r.Got("must be printable ASCII and not empty", s)
	}
	return s
}

// Visible reads ASCII text without blanks.
func (r *Reader) Visible(v Value) string {
	s, ok := r.Text(v)
	if ok && (s == "" || len(s) > maxVisible || !inRange(s, '!', '~')) {
		r.Got("must be ASCII without blanks and not empty", s)
	}
	return s
}

// Authority reads a host name, with or without a port.
func (r *Reader) Authority(v Value) string {
	s, ok := r.Text(v)
	if ok && (len(s) > maxVisible || !Spelled(s, "-._:[]")) {
		r.Got("must be a host name, with or without a port", s)
	}
	return s
}

// Path reads the path of an endpoint, without a query.
func (r *Reader) Path(v Value) string {
	s, ok := r.Text(v)
	if ok && (s == "" || s[0] != '/' || len(s) > maxVisible || !inRange(s, '!', '~') || strings.IndexByte(s, '#') >= 0 || strings.IndexByte(s, '?') >= 0) {
		r.Got(`must be a path that starts with "/", without "?" and "#"`, s)
	}
	return s
}

// connectionHeaders belong to a connection or to the message's framing: hosts
// own them (RFC 9110 section 7.6.1, RFC 9113 section 8.2.2).
var connectionHeaders = []string{
	"connection", "content-length", "expect", "host", "http2-settings", "keep-alive", "proxy-authenticate",
	"proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
}

// hostPrefix belongs to the host: such a header can control Envoy.
const hostPrefix = "x-envoy-"

// HeaderName reads the name of a header and makes it lower case. It refuses
// those that are the proxy's own, and the given ones, in lower case.
func (r *Reader) HeaderName(v Value, refused []string) string {
	s, ok := r.Text(v)
	if !ok {
		return ""
	}
	if len(s) > maxHeaderName || !Spelled(s, "!#$%&'*+-.^_`|~") {
		r.Got("must be the name of a header", s)
		return ""
	}
	name := ascii.Lower(s)
	if IndexOf(refused, name) >= 0 || IndexOf(connectionHeaders, name) >= 0 || strings.HasPrefix(name, hostPrefix) {
		r.Problem("must be a header that has no other meaning, got " + Quote(s) + `; use one such as "x-api-key"`)
		return ""
	}
	return name
}

// Prefixes reads a list of addresses and prefixes.
//
//go:noinline
func (r *Reader) Prefixes(v Value) (prefixes []ipaddr.Prefix) {
	r.List(v, maxPrefixes, func(v Value) {
		var p ipaddr.Prefix
		r.Parse(v, func(s string) (err error) {
			p, err = ipaddr.ParsePrefix(s)
			return err
		})
		prefixes = append(prefixes, p)
	})
	return prefixes
}

// Spelled reports whether a text is not empty and has only ASCII letters,
// digits and the given signs.
func Spelled(s, signs string) bool {
	for _, c := range []byte(s) {
		if !isAlphanumeric(c) && strings.IndexByte(signs, c) < 0 {
			return false
		}
	}
	return s != ""
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

func inRange(s string, low, high byte) bool {
	for _, c := range []byte(s) {
		if c < low || c > high {
			return false
		}
	}
	return true
}

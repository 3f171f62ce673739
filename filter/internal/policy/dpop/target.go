package dpop

import (
	"slices"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// sameTarget compares htu with the request's URI, without query and fragment
// (RFC 9449 section 4.3) and after the normalization of RFC 3986 sections 6.2.2
// and 6.2.3. Dot segments need none: a path that has them was refused before.
//
// https is always right: where TLS ends in front of the proxy, the request's own
// scheme is http although the client called https. The reverse is not: a proof
// for http is good for a request that came by http.
func sameTarget(htu string, x *pipeline.Exchange) bool {
	htu, _, _ = strings.Cut(htu, "#")
	htu, _, _ = strings.Cut(htu, "?")
	scheme, rest, ok := strings.Cut(htu, "://")
	if !ok {
		return false
	}
	port := ":443"
	switch {
	case ascii.EqualFold(scheme, "https"):
	case ascii.EqualFold(scheme, "http") && slices.Equal(x.HeaderValues(":scheme"), []string{"http"}):
		port = ":80"
	default:
		return false
	}
	authority, path := rest, "/"
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	return authority != "" &&
		ascii.EqualFold(strings.TrimSuffix(authority, port), strings.TrimSuffix(x.Authority, port)) &&
		samePath(path, x.Path)
}

// samePath compares two paths byte by byte. An escape that was not needed is
// the byte itself, and the case of hex digits does not matter.
func samePath(a, b string) bool {
	for a != "" && b != "" {
		byteA, escapedA, restA := nextByte(a)
		byteB, escapedB, restB := nextByte(b)
		if byteA != byteB || escapedA != escapedB {
			return false
		}
		a, b = restA, restB
	}
	return a == "" && b == ""
}

// nextByte takes a byte off the path; escaped tells "%2F" from "/".
func nextByte(s string) (c byte, escaped bool, rest string) {
	if s[0] == '%' && len(s) >= 3 {
		if c, ok := ascii.Unhex(s[1], s[2]); ok {
			return c, !unreserved(c), s[3:]
		}
	}
	return s[0], false, s[1:]
}

// unreserved is of RFC 3986 section 2.3.
func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

package header

import (
	"strings"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

// Consists reports whether all bytes of s are such.
func Consists(s string, of func(byte) bool) bool {
	for i := range len(s) {
		if !of(s[i]) {
			return false
		}
	}
	return true
}

// IsLetter is one of ASCII, as IsDigit is.
func IsLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// IsDigit: see IsLetter.
func IsDigit(c byte) bool { return '0' <= c && c <= '9' }

// IsName and IsValue are what Envoy's parser of requests, and its codec of requests to the backend, let through. A name
// without a byte passes the latter. Source: Envoy HeaderUtility::headerNameIsValid and headerValueIsValid; measured.
func IsName(name string) bool {
	return Consists(name, func(c byte) bool {
		return IsLetter(c) || IsDigit(c) || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
	})
}

// IsValue: see IsName.
func IsValue(value string) bool {
	return Consists(value, func(c byte) bool { return c >= ' ' && c != 0x7f || c == '\t' })
}

// isLine: a peer reads the header as it was meant. The codec leaves pseudo headers out.
func isLine(h *abi.Header) bool {
	return strings.HasPrefix(h.Name, ":") || h.Name != "" && IsName(h.Name) && IsValue(h.Value)
}

// Unreadable is the name of the first header that a peer does not read as it was meant.
func Unreadable(h abi.Headers) (name string, found bool) {
	for i := range h {
		if !isLine(&h[i]) {
			return h[i].Name, true
		}
	}
	return "", false
}

// Read is what a peer of HTTP/1 makes of the lines that Envoy writes for headers, of which no byte is checked; false when
// it gives up.
func Read(h abi.Headers) (abi.Headers, bool) {
	if length, ok := h.Get("content-length"); ok && (length == "" || !Consists(length, IsDigit)) {
		return nil, false
	}
	if _, found := Unreadable(h); !found {
		return h, true
	}
	var out abi.Headers
	for _, f := range h {
		if strings.HasPrefix(f.Name, ":") {
			out = append(out, f)
			continue
		}
		for line := range strings.SplitSeq(f.Name+": "+f.Value+"\r", "\n") {
			line = strings.TrimSuffix(line, "\r")
			name, value, ok := strings.Cut(line, ":")
			read := abi.Header{Name: LowerName(name), Value: strings.Trim(value, " \t")}
			if !ok || !isLine(&read) || read.Name[0] == ':' {
				return nil, false
			}
			out = append(out, read)
		}
	}
	return out, true
}

package spikearrest

import (
	"encoding/binary"
	"errors"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// Kind says what a limiter counts by.
type Kind uint8

const (
	// All messages share one limit.
	All Kind = iota
	// ClientIP: a limit for each client: an IPv4 address, or an IPv6 network, as
	// whoever has one address of it has them all.
	ClientIP
	// HeaderValue: a limit for each value of a header.
	HeaderValue
	// App: a limit for each app whose key was verified.
	App
)

// Per is what a limiter counts by. Messages that have no such thing share one
// limit, and so do those whose client wrote a text that is not an address.
type Per struct {
	Kind       Kind
	Header     string // of HeaderValue, lower case
	IPv6Prefix int    // of ClientIP: how many bits of an IPv6 address tell clients apart, 1 to 128
}

// maxHeaderName bounds a configured header name, in bytes.
const maxHeaderName = 128

var (
	errPer       = errors.New(`must be "client_ip", "app" or "header:NAME"`)
	errPerHeader = errors.New(`must name a header after "header:", in letters, digits and any of !#$%&'*+-.^_` + "`|~")
)

// ParsePer reads "" (all messages), "client_ip", "app" or "header:NAME".
func ParsePer(word string) (Per, error) {
	switch word {
	case "":
		return Per{Kind: All}, nil
	case "client_ip":
		return Per{Kind: ClientIP}, nil
	case "app":
		return Per{Kind: App}, nil
	}
	name, ok := strings.CutPrefix(word, "header:")
	if !ok {
		return Per{}, errPer
	}
	if name == "" || len(name) > maxHeaderName {
		return Per{}, errPerHeader
	}
	for i := range len(name) {
		if !isTokenByte(name[i]) {
			return Per{}, errPerHeader
		}
	}
	return Per{Kind: HeaderValue, Header: ascii.Lower(name)}, nil
}

// isTokenByte reports a tchar (RFC 9110 section 5.6.2).
func isTokenByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// appendCaller appends what the message is counted by: the bits of an address, or
// each value behind its length. No two callers have the same bytes, and only those without such a
// thing have none.
func (p Per) appendCaller(b []byte, x *pipeline.Exchange) []byte {
	switch p.Kind {
	case ClientIP:
		if a := x.ClientAddress(); a.Valid() {
			bits := a.Bytes(p.IPv6Prefix)
			b = append(b, bits[:]...)
		}
	case App:
		if x.Caller.App != "" {
			b = appendValue(b, x.Caller.App)
		}
	case HeaderValue:
		for _, line := range x.Headers {
			if line.Name == p.Header {
				b = appendValue(b, line.Value)
			}
		}
	}
	return b
}

//go:noinline
func appendValue(b []byte, value string) []byte {
	return append(binary.BigEndian.AppendUint64(b, uint64(len(value))), value...)
}

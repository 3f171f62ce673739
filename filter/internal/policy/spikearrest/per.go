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
	// ClientIP: a limit for each client: an IPv4 address, or an IPv6 network,
	// since whoever has one address of it has them all.
	ClientIP
	// HeaderValue: a limit for each value of a header.
	HeaderValue
	// App: a limit for each app whose key was verified.
	App
	// Product: a limit for each product through which the app was let in.
	Product
	// TokenSubject: a limit for each subject of an issuer's tokens.
	TokenSubject
)

// The words for what a limiter counts by.
const (
	wordAPI     = "api"
	wordIP      = "client_ip"
	wordApp     = "app"
	wordProduct = "product"
	wordSubject = "token_subject"
	wordHeader  = "header:"
)

// Per is what a limiter counts by. Messages that have no such thing share one
// limit, and so do those whose client wrote a text that is not an address.
type Per struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	Kind       Kind
	Header     string // of HeaderValue, lower case
	IPv6Prefix int    // of ClientIP: how many bits of an IPv6 address tell clients apart, 1 to 128
}

// maxHeaderName bounds a configured header name, in bytes.
const maxHeaderName = 128

var (
	errPer       = errors.New(`must be "api", "client_ip", "app", "product", "token_subject" or "header:NAME"`)
	errPerHeader = errors.New(`must name a header after "header:", in letters, digits and any of !#$%&'*+-.^_` + "`|~")
)

// ParsePer reads "" or "api" (all messages of the API), "client_ip", "app",
// "product", "token_subject" or "header:NAME".
func ParsePer(word string) (Per, error) {
	switch word {
	case "", wordAPI:
		return Per{Kind: All}, nil
	case wordIP:
		return Per{Kind: ClientIP}, nil
	case wordApp:
		return Per{Kind: App}, nil
	case wordProduct:
		return Per{Kind: Product}, nil
	case wordSubject:
		return Per{Kind: TokenSubject}, nil
	}
	name, ok := strings.CutPrefix(word, wordHeader)
	if !ok {
		return Per{}, errPer
	}
	if !isToken(name) {
		return Per{}, errPerHeader
	}
	return Per{Kind: HeaderValue, Header: ascii.Lower(name)}, nil
}

// word is what ParsePer reads.
func (p Per) word() string {
	switch p.Kind {
	case ClientIP:
		return wordIP
	case App:
		return wordApp
	case Product:
		return wordProduct
	case TokenSubject:
		return wordSubject
	case HeaderValue:
		return wordHeader + p.Header
	}
	return wordAPI
}

// isToken reports whether name is the name of a header (RFC 9110 section
// 5.6.2).
func isToken(name string) bool {
	for i := range len(name) {
		if !isTokenByte(name[i]) {
			return false
		}
	}
	return name != "" && len(name) <= maxHeaderName
}

// isTokenByte reports whether c is a tchar (RFC 9110 section 5.6.2).
func isTokenByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// appendCaller appends what the message is counted by: the bits of an address,
// or each value after its length. No two callers have the same bytes, and only
// those without such a thing have none.
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
	case Product:
		if x.Caller.Product != "" {
			b = appendValue(b, x.Caller.Product)
		}
	case TokenSubject:
		if t := x.Token; t != nil && t.Active && t.Subject != "" {
			b = appendValue(appendValue(b, t.Issuer), t.Subject)
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

package answers

import (
	"encoding/binary"

	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// Claims are a length, a version, flags, two times, then texts and lists of them, each with its length before it.
const (
	claimsVersion = 3

	flagSenderConstrained = 1 << 0
	flagOtherKind         = 1 << 1
)

// appendClaims encodes the claims of an active token; ok is false when they are too long to be shared.
func appendClaims(b []byte, c *pipeline.Claims) (out []byte, ok bool) {
	if !c.Active {
		return nil, false
	}
	var flags byte
	if c.SenderConstrained {
		flags |= flagSenderConstrained
	}
	if c.OtherKind {
		flags |= flagOtherKind
	}
	start := len(b)
	b = append(b, 0, 0, claimsVersion, flags)
	b = binary.BigEndian.AppendUint64(b, uint64(c.Expires))
	b = binary.BigEndian.AppendUint64(b, uint64(c.NotBefore))
	for _, s := range []string{c.Issuer, c.ClientID, c.Subject, c.TokenType, c.KeyThumbprint, c.CertificateThumbprint} {
		b = appendText(b, s)
	}
	b = appendList(b, c.Audience)
	b = appendList(b, c.Scopes)
	size := len(b) - start - 2
	if size > maxClaims {
		return nil, false
	}
	binary.BigEndian.PutUint16(b[start:], uint16(size))
	return b, true
}

//go:noinline
func appendText(b []byte, s string) []byte {
	// A text that is longer than any entry makes the whole too long, whatever its length is written as.
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

//go:noinline
func appendList(b []byte, list []string) []byte {
	b = append(b, byte(len(list)))
	for _, s := range list {
		b = appendText(b, s)
	}
	return b
}

// decodeClaims reads what appendClaims wrote. Shared data may hold anything, so everything is checked.
func decodeClaims(b []byte) (*pipeline.Claims, bool) {
	if len(b) < 2 {
		return nil, false
	}
	size := int(binary.BigEndian.Uint16(b))
	if b = b[2:]; size > len(b) {
		return nil, false
	}
	d := decoder{rest: string(b[:size])} // one copy, of which all texts are parts
	version, flags := d.number(1), d.number(1)
	c := &pipeline.Claims{
		Active: true, SenderConstrained: flags&flagSenderConstrained != 0, OtherKind: flags&flagOtherKind != 0,
		Expires: int64(d.number(8)), NotBefore: int64(d.number(8)),
	}
	for _, s := range []*string{&c.Issuer, &c.ClientID, &c.Subject, &c.TokenType, &c.KeyThumbprint, &c.CertificateThumbprint} {
		*s = d.text()
	}
	c.Audience, c.Scopes = d.list(), d.list()
	if d.bad || len(d.rest) > 0 || version != claimsVersion {
		return nil, false
	}
	return c, true
}

// decoder reads from the front; bad says that there was less than was asked for.
type decoder struct {
	rest string
	bad  bool
}

func (d *decoder) take(n int) string {
	if n > len(d.rest) {
		d.bad = true
		return ""
	}
	taken := d.rest[:n]
	d.rest = d.rest[n:]
	return taken
}

//go:noinline
func (d *decoder) number(size int) (n uint64) {
	for taken := d.take(size); taken != ""; taken = taken[1:] {
		n = n<<8 | uint64(taken[0])
	}
	return n
}

func (d *decoder) text() string { return d.take(int(d.number(2))) }

func (d *decoder) list() (list []string) {
	for range d.number(1) {
		if d.bad {
			return nil
		}
		list = append(list, d.text())
	}
	return list
}

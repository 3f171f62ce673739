package ipaddr

import (
	"errors"
	"strings"
)

// Prefix is the addresses that share their first bits. The zero value contains none.
type Prefix struct {
	_    [0]func() // not comparable: an unused == costs the guest code
	addr Addr
	bits int // of the 128
}

var (
	errPrefix   = errors.New(`must be an address or a prefix, such as "10.0.0.0/8" or "2001:db8::/32"`)
	errHostBits = errors.New("must have no bits set beyond its prefix length: it could mean one address or many")
)

// ParsePrefix reads an address, which is a prefix of its whole length, or a prefix in CIDR notation (RFC 4632 section
// 3.1, RFC 4291 section 2.3). Errors continue a sentence that starts with a path.
func ParsePrefix(s string) (Prefix, error) {
	text, length, given := strings.Cut(s, "/")
	a, ok := Parse(text)
	if !ok {
		return Prefix{}, errPrefix
	}
	most := 128
	if strings.IndexByte(text, ':') < 0 {
		most = 32
	}
	p := Prefix{addr: a, bits: 128}
	if !given {
		return p, nil
	}
	n, ok := smallNumber(length)
	if !ok || n > most {
		return Prefix{}, errPrefix
	}
	p.bits = n
	if most == 32 {
		p.bits += mappedBits
	}
	if hi, lo := beyond(p.bits); a.hi&hi != 0 || a.lo&lo != 0 {
		return Prefix{}, errHostBits
	}
	return p, nil
}

func smallNumber(s string) (int, bool) {
	if s == "" || len(s) > 3 || s[0] == '0' && len(s) > 1 {
		return 0, false
	}
	n := 0
	for i := 0; i < len(s); i++ {
		digit := s[i] - '0'
		if digit > 9 {
			return 0, false
		}
		n = 10*n + int(digit)
	}
	return n, true
}

// Contains reports whether the address begins with the prefix's bits. An IPv4 address is in no IPv6 prefix, not even ::/0,
// and the other way round.
func (p Prefix) Contains(a Addr) bool {
	// A prefix that is shorter than the mapped form's own is an IPv6 one.
	is4 := p.addr.Is4() && p.bits >= mappedBits
	if !a.ok || !p.addr.ok || a.Is4() != is4 {
		return false
	}
	hi, lo := beyond(p.bits)
	return (a.hi^p.addr.hi)&^hi == 0 && (a.lo^p.addr.lo)&^lo == 0
}

// beyond returns the bits after the first n of 128, set. In Go a shift by 64 or more gives 0.
func beyond(n int) (hi, lo uint64) {
	const all = ^uint64(0)
	return all >> n, all >> max(n-64, 0)
}

// Any reports whether one of the prefixes contains the address.
func Any(prefixes []Prefix, a Addr) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

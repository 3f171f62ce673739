// Package ipaddr reads IP addresses and prefixes. It stands in for net/netip, which starts a goroutine in the guest, and
// is tested against it. It is as strict as that: no leading zeros, no octal, no zone.
package ipaddr

import (
	"encoding/binary"
	"strings"
)

// Addr is an address. The zero value is no address: Parse never returns it, and no prefix contains it. An IPv4 address
// mapped into IPv6 (RFC 4291 section 2.5.5.2) is the IPv4 address.
type Addr struct {
	hi, lo uint64 // an IPv4 address in its mapped form
	ok     bool
}

// mapped begins the last 64 bits of IPv4 addresses in IPv6; the first 64 are zero.
const mapped, mappedBits = 0xffff << 32, 96

// Valid reports whether there is an address.
func (a Addr) Valid() bool { return a.ok }

// Bytes returns the 16 bytes of the address, an IPv4 one in its mapped form. Every bit of an IPv6 address beyond the
// first n of 128 is cleared, so all addresses in one network of that length give the same bytes.
func (a Addr) Bytes(n int) (b [16]byte) {
	if !a.Is4() {
		hi, lo := beyond(n)
		a.hi, a.lo = a.hi&^hi, a.lo&^lo
	}
	binary.BigEndian.PutUint64(b[:8], a.hi)
	binary.BigEndian.PutUint64(b[8:], a.lo)
	return b
}

// Is4 reports whether the address is an IPv4 one.
func (a Addr) Is4() bool { return a.ok && a.hi == 0 && a.lo>>32 == mapped>>32 }

// Parse reads an address such as 192.0.2.1 or 2001:db8::1 (RFC 4291 section 2.2).
func Parse(s string) (Addr, bool) {
	if strings.IndexByte(s, ':') < 0 {
		four, ok := parse4(s)
		if !ok {
			return Addr{}, false
		}
		return Addr{lo: mapped | uint64(four), ok: true}, true
	}
	var bits [16]byte
	if !parse6(s, &bits) {
		return Addr{}, false
	}
	return Addr{hi: binary.BigEndian.Uint64(bits[:8]), lo: binary.BigEndian.Uint64(bits[8:]), ok: true}, true
}

// ParsePeer reads a peer's address as proxies write it: alone, in brackets, with a port, an IPv6 one with a zone (RFC
// 4007 section 11), or with several of these. The port and the zone say nothing about who the peer is, and are dropped.
func ParsePeer(s string) (Addr, bool) {
	address, port := s, ""
	if strings.HasPrefix(s, "[") {
		address, port, _ = strings.Cut(s[1:], "]")
		if len(address)+2 > len(s) { // no closing bracket
			return Addr{}, false
		}
	} else if i := strings.IndexByte(s, ':'); i >= 0 && i == strings.LastIndexByte(s, ':') {
		address, port = s[:i], s[i:]
	}
	if port != "" && !isPort(port) {
		return Addr{}, false
	}
	if i := strings.IndexByte(address, '%'); i >= 0 && i < len(address)-1 && strings.IndexByte(address[:i], ':') >= 0 {
		address = address[:i]
	}
	return Parse(address)
}

// isPort reports whether s is a colon and one to five digits.
func isPort(s string) bool {
	if s[0] != ':' || len(s) < 2 || len(s) > 6 {
		return false
	}
	for i := 1; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// parse4 reads four decimal numbers without leading zeros.
func parse4(s string) (four uint32, ok bool) {
	for i := range 4 {
		part := s
		if i < 3 {
			if part, s, ok = strings.Cut(s, "."); !ok {
				return 0, false
			}
		}
		n := 0
		for j := 0; j < len(part); j++ {
			digit := part[j] - '0'
			if digit > 9 {
				return 0, false
			}
			n = 10*n + int(digit)
			if n > 255 {
				return 0, false
			}
		}
		if part == "" || part[0] == '0' && len(part) > 1 {
			return 0, false
		}
		four = four<<8 | uint32(n)
	}
	return four, true
}

// parse6 reads up to eight groups, of which "::" stands for one or more, and the last two may be an IPv4 address.
func parse6(s string, bits *[16]byte) bool {
	at, gap := 0, -1
	if strings.HasPrefix(s, "::") {
		gap, s = 0, s[2:]
	}
	for s != "" {
		if at == 16 {
			return false
		}
		end := 0
		for end < len(s) && s[end] != ':' {
			end++
		}
		group, last := s[:end], end == len(s)
		if last && strings.IndexByte(group, '.') >= 0 {
			four, ok := parse4(group)
			if !ok || at > 12 {
				return false
			}
			binary.BigEndian.PutUint32(bits[at:], four)
			at += 4
			break
		}
		n, ok := hexGroup(group)
		if !ok {
			return false
		}
		bits[at], bits[at+1] = byte(n>>8), byte(n)
		at += 2
		if last {
			break
		}
		s = s[end+1:]
		switch {
		case s == "":
			return false // ends in one colon
		case s[0] == ':' && gap >= 0:
			return false // a second "::"
		case s[0] == ':':
			gap, s = at, s[1:]
		}
	}
	if gap < 0 {
		return at == 16
	}
	if at == 16 {
		return false
	}
	copy(bits[gap+16-at:], bits[gap:at])
	for i := gap; i < gap+16-at; i++ {
		bits[i] = 0
	}
	return true
}

func hexGroup(s string) (n int, ok bool) {
	if s == "" || len(s) > 4 {
		return 0, false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		n = n<<4 | int(c)
	}
	return n, true
}

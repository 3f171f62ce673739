package ipaddr

import (
	"encoding/binary"
	"strconv"
)

// String is the one spelling of an address that RFC 5952 section 4 recommends; ""
// for none. An IPv4 address that was mapped into IPv6 is written as IPv4.
func (a Addr) String() string {
	if !a.ok {
		return ""
	}
	text := ""
	if a.Is4() {
		for shift := 24; shift >= 0; shift -= 8 {
			text += "." + strconv.FormatUint(a.lo>>shift&0xff, 10)
		}
		return text[1:]
	}
	bits := a.Bytes(128)
	var groups [8]uint16
	for i := range groups {
		groups[i] = binary.BigEndian.Uint16(bits[2*i:])
	}
	from, to := longestZeros(&groups)
	for i := 0; i < len(groups); i++ {
		if i == from {
			text += "::"
			i = to - 1
			continue
		}
		if i > 0 && i != to {
			text += ":"
		}
		text += strconv.FormatUint(uint64(groups[i]), 16)
	}
	return text
}

// longestZeros returns the first of the longest runs of zeros, which has at
// least two groups; -1 for none.
func longestZeros(groups *[8]uint16) (from, to int) {
	from, to = -1, -1
	for i := 0; i < len(groups); {
		end := i
		for end < len(groups) && groups[end] == 0 {
			end++
		}
		if end-i > 1 && end-i > to-from {
			from, to = i, end
		}
		i = max(end, i+1)
	}
	return from, to
}

package jsonobject

import "strings"

// maxNumberBytes bounds the text of a NumericDate. A double that is written in
// full has 24 bytes.
const maxNumberBytes = 64

// maxExponent stands for every larger exponent: it moves the point further than
// a number of maxNumberBytes has digits.
const maxExponent = 1000

// NumericDate reads a NumericDate (RFC 7519 section 2), or any other JSON
// number (RFC 8259 section 6) from 0 to the end of the year 9999, in unix
// seconds. It reads the digits and never a float, so nothing is rounded behind
// the caller's back: seconds is the whole part, and fraction reports whether
// something not zero was cut off. Which rounding fails closed depends on the
// use:
//
//   - exp: seconds as it is. The token ends up to a second early.
//   - nbf: one more if there is a fraction. The token begins up to a second
//     late.
//   - iat: seconds as it is. What is issued looks up to a second older.
func NumericDate(v Value) (seconds int64, fraction, ok bool) {
	s := string(v)
	if !v.IsNumber() || len(s) > maxNumberBytes {
		return 0, false, false
	}
	negative := s != "" && s[0] == '-'
	if negative {
		s = s[1:]
	}
	end := 0 // of the digits and the dot
	for end < len(s) && s[end]|0x20 != 'e' {
		end++
	}
	exponent, ok := readExponent(s[end:])
	dot := strings.IndexByte(s[:end], '.')
	if dot < 0 {
		dot = end
	}
	if !ok || dot == 0 || dot > 1 && s[0] == '0' || dot == end-1 {
		return 0, false, false
	}
	left := dot + exponent // digits before the decimal point; may be more than there are, or less than none
	zero := true
	for i := range end {
		if i == dot {
			continue
		}
		digit := s[i] - '0'
		if digit > 9 {
			return 0, false, false
		}
		zero = zero && digit == 0
		if left > 0 {
			seconds = seconds*10 + int64(digit)
		} else if digit != 0 {
			fraction = true
		}
		if left--; seconds > maxUnixSeconds {
			return 0, false, false
		}
	}
	for ; left > 0 && seconds > 0 && seconds <= maxUnixSeconds; left-- {
		seconds *= 10
	}
	if seconds > maxUnixSeconds || negative && !zero {
		return 0, false, false
	}
	return seconds, fraction, true
}

// readExponent reads what begins with the "e"; "" is 0.
func readExponent(s string) (exponent int, ok bool) {
	if s == "" {
		return 0, true
	}
	s = s[1:]
	minus := s != "" && s[0] == '-'
	if minus || s != "" && s[0] == '+' {
		s = s[1:]
	}
	for i := range len(s) {
		digit := s[i] - '0'
		if digit > 9 {
			return 0, false
		}
		exponent = min(exponent*10+int(digit), maxExponent)
	}
	if minus {
		exponent = -exponent
	}
	return exponent, s != ""
}

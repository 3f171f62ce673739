package jsonobject

import "github.com/tidwall/gjson"

// maxNumberBytes bounds the text of a NumericDate. A double that is written in
// full has 24 bytes.
const maxNumberBytes = 64

// maxExponent stands for every larger exponent: it moves the point further than
// a number of maxNumberBytes has digits.
const maxExponent = 1000

// NumericDate reads a NumericDate (RFC 7519 section 2): any JSON number (RFC
// 8259 section 6) from 0 to the end of the year 9999, in unix seconds. It reads
// the digits and never a float, so nothing is rounded behind the caller's back:
// seconds is the whole part, and fraction reports whether something not zero
// was cut off. What rounds so that it fails closed depends on the use:
//
//   - exp: seconds as it is. The token ends up to a second early.
//   - nbf: one more where there is a fraction. The token begins up to a second
//     late.
//   - iat: seconds as it is. What is issued looks up to a second older.
func NumericDate(v gjson.Result) (seconds int64, fraction, ok bool) {
	if v.Type != gjson.Number || len(v.Raw) > maxNumberBytes {
		return 0, false, false
	}
	n, ok := scanNumber(v.Raw)
	if !ok {
		return 0, false, false
	}
	if n.zero() { // also "-0" and "0e999"
		return 0, false, true
	}
	if n.negative {
		return 0, false, false
	}
	return n.split()
}

// number is a JSON number in its parts: the value is 0.<digits> times ten to
// the power of point, where digits is text without its dot.
type number struct {
	text     string // digits, and at most one dot between them
	negative bool
	point    int // the digits before the decimal point; may lie outside of text
}

// scanNumber takes a number apart. The grammar is RFC 8259's, and no more.
func scanNumber(s string) (n number, ok bool) {
	if s != "" && s[0] == '-' {
		n.negative, s = true, s[1:]
	}
	whole := countDigits(s)
	if whole == 0 || whole > 1 && s[0] == '0' {
		return number{}, false
	}
	end := whole
	if end < len(s) && s[end] == '.' {
		digits := countDigits(s[end+1:])
		if digits == 0 {
			return number{}, false
		}
		end += 1 + digits
	}
	exponent, ok := scanExponent(s[end:])
	n.text, n.point = s[:end], whole+exponent
	return n, ok
}

// scanExponent reads the part from the "e" on; "" is 0.
func scanExponent(s string) (exponent int, ok bool) {
	if s == "" {
		return 0, true
	}
	if s[0] != 'e' && s[0] != 'E' {
		return 0, false
	}
	s = s[1:]
	minus := s != "" && s[0] == '-'
	if minus || s != "" && s[0] == '+' {
		s = s[1:]
	}
	if s == "" || countDigits(s) != len(s) {
		return 0, false
	}
	for i := range len(s) {
		exponent = min(exponent*10+int(s[i]-'0'), maxExponent)
	}
	if minus {
		exponent = -exponent
	}
	return exponent, true
}

func (n number) zero() bool {
	for i := range len(n.text) {
		if n.text[i] != '0' && n.text[i] != '.' {
			return false
		}
	}
	return true
}

// split cuts a number that is not zero at its decimal point.
func (n number) split() (seconds int64, fraction, ok bool) {
	fraction = n.point < 0 // a number that is not zero has a digit behind it
	position := 0
	for i := range len(n.text) {
		digit := n.text[i] - '0'
		if n.text[i] == '.' {
			continue
		}
		if position < n.point {
			seconds = seconds*10 + int64(digit)
		} else if digit != 0 {
			fraction = true
		}
		position++
		if seconds > maxUnixSeconds {
			return 0, false, false
		}
	}
	for ; position < n.point && seconds != 0; position++ {
		seconds *= 10
		if seconds > maxUnixSeconds {
			return 0, false, false
		}
	}
	return seconds, fraction, true
}

func countDigits(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}

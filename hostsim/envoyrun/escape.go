package envoyrun

import "strings"

// simpleEscapes are those of Envoy's --log-format-escaped (absl::CEscape) but for octal ones.
var simpleEscapes = map[byte]byte{'n': '\n', 'r': '\r', 't': '\t', '"': '"', '\'': '\'', '\\': '\\'}

// unescape undoes Envoy's --log-format-escaped. What is not an escape stays as it is.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		if c, ok := simpleEscapes[s[i+1]]; ok {
			b.WriteByte(c)
			i++
		} else if c, ok := octal(s[i+1:]); ok {
			b.WriteByte(c)
			i += 3
		} else {
			b.WriteByte('\\')
		}
	}
	return b.String()
}

// octal reads three octal digits at the start of s, at most 377.
func octal(s string) (byte, bool) {
	if len(s) < 3 {
		return 0, false
	}
	n := 0
	for _, c := range []byte(s[:3]) {
		if c < '0' || c > '7' {
			return 0, false
		}
		n = n<<3 | int(c-'0')
	}
	return byte(n), n <= 0o377
}

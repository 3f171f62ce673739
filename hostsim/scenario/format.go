package scenario

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario/internal/pattern"
	"golang.org/x/net/http/httpguts"
)

// formatRequest and formatResponse write a message as a section shows it.
func formatRequest(r Request) string {
	return formatMessage(requestLine(r), r.Headers, r.Body)
}

func formatResponse(r Response) string {
	return formatMessage(strconv.Itoa(r.Status), r.Headers, r.Body)
}

func formatMessage(first string, headers []Header, body []byte) string {
	var b strings.Builder
	b.WriteString(first + "\n")
	for _, h := range headers {
		if isLinePattern(h) {
			b.WriteString(h.Name + "\n")
			continue
		}
		b.WriteString(h.Name + ": " + h.Value + "\n")
	}
	if len(body) > 0 {
		b.WriteByte('\n')
		b.Write(body)
		b.WriteByte('\n')
	}
	return b.String()
}

// writableHeaders and writableBody make what was seen fit to be an expectation: noise goes, and what
// the format would read otherwise becomes a regular expression.
func writableHeaders(seen, keep []Header) []Header {
	out := withoutNoise(seen, keep)
	for i, h := range out {
		if pattern.Is(h.Value) || strings.Contains(h.Value, "${") || h.Value != strings.Trim(h.Value, " \t") || !httpguts.ValidHeaderFieldValue(h.Value) {
			out[i].Value = literalPattern([]byte(h.Value))
		}
	}
	return out
}

func writableBody(body []byte) []byte {
	plain := utf8.Valid(body) && !bytes.HasPrefix(body, []byte(pattern.Prefix)) && !bytes.Contains(body, []byte("${"))
	for line := range bytes.Lines(body) {
		line = bytes.TrimSuffix(line, []byte{'\n'})
		if !httpguts.ValidHeaderFieldValue(string(line)) || string(line) == callSeparator || bytes.HasPrefix(line, []byte("-- ")) {
			plain = false
		}
	}
	if plain {
		return body
	}
	return []byte(literalPattern(body))
}

// literalPattern is a regular expression for exactly these bytes, on one line.
// A byte that is not UTF-8 is matched by a dot, since RE2 cannot name it.
func literalPattern(text []byte) string {
	var b strings.Builder
	b.WriteString(pattern.Prefix)
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && n == 1:
			b.WriteByte('.')
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r == '{' || r == ' ':
			// "${" must not arise, and no space may end a line.
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
		text = text[n:]
	}
	return b.String()
}

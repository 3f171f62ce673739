package decode

import (
	"strconv"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
)

// maxTextName bounds a name in an object of texts, in bytes.
const maxTextName = 128

// NamedTexts reads an object with at most limit members of any name, each a
// string of at most length bytes.
func (r *Reader) NamedTexts(v Value, limit, length int) map[string]string {
	if !v.IsObject() {
		r.Wrong(v, "an object", "")
		return nil
	}
	texts := map[string]string{}
	v.Each(func(name string, v Value) bool {
		if len(texts) == limit {
			r.Problem("must have at most " + strconv.Itoa(limit) + " members")
			return false
		}
		if name == "" || len(name) > maxTextName {
			r.Problem("must have names of 1 to " + strconv.Itoa(maxTextName) + " bytes, got " + Quote(name))
			return true
		}
		name = strings.Clone(name)
		r.At(name, func() {
			if _, twice := texts[name]; twice {
				r.Problem("must be given only once")
			}
			texts[name] = r.ShortText(v, length)
		})
		return true
	})
	return texts
}

// ShortText reads a string of at most length bytes.
func (r *Reader) ShortText(v Value, length int) string {
	s, ok := r.Text(v)
	if ok && len(s) > length {
		r.Problem("must have at most " + strconv.Itoa(length) + " bytes, got " + strconv.Itoa(len(s)))
		return ""
	}
	return s
}

// maxHeaderValue bounds the value of a header that an operator writes, in bytes.
const maxHeaderValue = 4 << 10

// HeaderValue reads printable ASCII without blanks at its ends: what a header
// carries unchanged.
func (r *Reader) HeaderValue(v Value) string {
	s, ok := r.Text(v)
	if ok && (len(s) > maxHeaderValue || !inRange(s, ' ', '~') || ascii.Trim(s, " ") != s) {
		r.Problem("must be at most " + strconv.Itoa(maxHeaderValue) + " bytes of printable ASCII, without leading or trailing blanks")
		return ""
	}
	return s
}

// HeaderField reads the name of any header and makes it lower case.
func (r *Reader) HeaderField(v Value) string {
	s, ok := r.Text(v)
	if ok && (len(s) > maxHeaderName || !Spelled(s, TokenSigns)) {
		r.Got("must be the name of a header", s)
		return ""
	}
	return ascii.Lower(s)
}

// TokenSigns are what a token may have besides letters and digits (RFC 9110
// section 5.6.2).
const TokenSigns = "!#$%&'*+-.^_`|~"

// MaxMethodBytes bounds the name of a method.
const MaxMethodBytes = 128

// ValidMethod reports whether s is a method in capital letters.
func ValidMethod(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'A' || c > 'Z') && c != '-' && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= MaxMethodBytes
}

// Method reads a method in capital letters.
func (r *Reader) Method(v Value) string {
	s, ok := r.Text(v)
	if ok && !ValidMethod(s) {
		r.Got(`must be a method in capital letters, such as "GET"`, s)
	}
	return s
}

package introspection

import (
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/jose"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// tokenParameter is the other place that RFC 6750 section 2.3 knows. It is not
// accepted, because URLs end up in logs; beside the header it is a second
// credential.
const tokenParameter = "access_token"

// tokenOf finds the access token of a request: exactly one Authorization
// header, whose scheme is Bearer (RFC 6750 section 2.1), or DPoP where that is
// accepted (RFC 9449 section 7.1), in any letter case, then one token68 (RFC
// 9110 section 11.2). When ok is false, reason says what is wrong. The form
// body, RFC 6750 section 2.2, is not looked at: the step runs before the body
// has come.
func tokenOf(x *pipeline.Exchange, takesDPoP bool) (token string, asDPoP bool, reason denial.Reason, ok bool) {
	value, count := authorization(x)
	// Envoy joins two Authorization headers of an HTTP/1 request as "A,B".
	if count > 1 || strings.IndexByte(value, ',') >= 0 {
		return "", false, denial.TokenAmbiguous, false
	}
	scheme, token := schemeAndToken(value)
	asDPoP = takesDPoP && ascii.EqualFold(scheme, "dpop")
	if !asDPoP && !ascii.EqualFold(scheme, "bearer") {
		return "", false, denial.TokenMissing, false
	}
	if hasParameter(x.Query, tokenParameter) {
		return "", false, denial.TokenAmbiguous, false
	}
	if len(token) > jose.MaxTokenBytes {
		return "", false, denial.TokenTooLong, false
	}
	if !isToken68(token) {
		return "", false, denial.TokenMalformed, false
	}
	return token, asDPoP, 0, true
}

// authorizationHeader is not a constant, because comparing with one takes more
// code.
var authorizationHeader = "authorization"

// authorization gives the last Authorization header, and how many there are.
//
//go:noinline
func authorization(x *pipeline.Exchange) (value string, count int) {
	for i := range x.Headers {
		if h := &x.Headers[i]; h.Name == authorizationHeader {
			value = h.Value
			count++
		}
	}
	return value, count
}

func schemeAndToken(value string) (scheme, token string) {
	scheme, token, _ = strings.Cut(ascii.Trim(value, " \t"), " ")
	for token != "" && token[0] == ' ' {
		token = token[1:]
	}
	return scheme, token
}

// isToken68 checks the syntax: 1*( ALPHA / DIGIT / "-" / "." / "_" /
// "~" / "+" / "/" ) *"=".
func isToken68(token string) bool {
	body := token
	for body != "" && body[len(body)-1] == '=' {
		body = body[:len(body)-1]
	}
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '-', c == '.', c == '_', c == '~', c == '+', c == '/':
		default:
			return false
		}
	}
	return body != ""
}

// hasParameter looks for a parameter of the query by its name, however the
// name is escaped. Some backends also split at ";", so this does.
func hasParameter(query, name string) bool {
	for query != "" {
		i := 0
		for i < len(query) && query[i] != '&' && query[i] != ';' {
			i++
		}
		pair := query[:i]
		query = query[min(i+1, len(query)):]
		escaped, _, _ := strings.Cut(pair, "=")
		if unescapesTo(escaped, name) {
			return true
		}
	}
	return false
}

// unescapesTo compares without the copy that unescaping would need.
func unescapesTo(escaped, want string) bool {
	i := 0
	for j := 0; j < len(want); j++ {
		if i >= len(escaped) {
			return false
		}
		c := escaped[i]
		i++
		if c == '%' && i+1 < len(escaped) {
			if b, ok := ascii.Unhex(escaped[i], escaped[i+1]); ok {
				c = b
				i += 2
			}
		}
		if c != want[j] {
			return false
		}
	}
	return i == len(escaped)
}

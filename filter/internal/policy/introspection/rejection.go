package introspection

import (
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/jsonobject"
)

const (
	// maxErrorBytes bounds the body of a 400 that is read at all.
	maxErrorBytes = 4 << 10
	// maxErrorCode bounds the code itself.
	maxErrorCode = 64
)

// errorsOfOurs are the codes that are about the gateway's request, its client
// or the server, and not about the token: only an operator can fix them.
//
//   - RFC 6749 section 5.2, which RFC 7662 section 2.3 and RFC 7009 section 2.2.1
//     take over; its invalid_grant is about the token.
//   - Section 4.1.2.1 of the same.
//   - RFC 6750 section 3.1, RFC 8707 section 2, RFC 7591 section 3.2.2, RFC 9449
//     sections 5 and 8.
//   - What servers say about private_key_jwt.
const errorsOfOurs = " invalid_request invalid_client unauthorized_client unsupported_grant_type invalid_scope" +
	" access_denied unsupported_response_type server_error temporarily_unavailable" +
	" insufficient_scope invalid_target invalid_client_metadata invalid_dpop_proof use_dpop_nonce" +
	" invalid_assertion invalid_client_assertion "

// rejectionReason says whose fault a 400 is. A server may use it to refuse a
// token of a kind that it does not introspect (RFC 7009 section 2.2.1,
// unsupported_token_type), which anybody can send, so that is the caller's
// fault: the code is one that we can read and is not among errorsOfOurs.
// Anything else is taken for the gateway's fault.
func rejectionReason(a *host.Answer) denial.Reason {
	if len(a.Body) > maxErrorBytes || a.BodySize != len(a.Body) {
		return denial.IntrospectionRejected
	}
	members, err := jsonobject.Read(a.Body)
	if err != nil {
		return denial.IntrospectionRejected
	}
	for _, m := range members {
		if code := m.Value.Content(); m.Name == "error" && isErrorCode(code) && !strings.Contains(errorsOfOurs, " "+ascii.Lower(code)+" ") {
			return denial.TokenRefused
		}
	}
	return denial.IntrospectionRejected
}

// isErrorCode accepts the words that codes are made of. RFC 6749 section 5.2
// would let a sentence be one, such as the "Bad Request" of a framework that
// knows nothing about tokens.
func isErrorCode(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-', c == '.':
		default:
			return false
		}
	}
	return s != "" && len(s) <= maxErrorCode
}

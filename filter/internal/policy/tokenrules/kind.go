package tokenrules

import (
	"slices"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// Supported reports whether a token is an access token, as far as was said, of a
// type that the request may present it as. Some servers call refresh and ID
// tokens active. token_type is optional (RFC 7662 section 2.2). A token of type
// DPoP is proven, or refused (RFC 9449 section 6.2).
func Supported(t *pipeline.Claims) bool {
	switch {
	case t.OtherKind:
		return false
	case t.TokenType == "", ascii.EqualFold(t.TokenType, "bearer"):
		return true
	case IsDPoP(t.TokenType):
		return t.KeyThumbprint != "" && t.Proven
	}
	return SaysAccess(t.TokenType)
}

// IsDPoP reports whether a word for a type is that of tokens which are bound to
// a key.
func IsDPoP(word string) bool { return ascii.EqualFold(word, "dpop") }

// The words for kinds of tokens, as plain gives them. Servers write them as
// Cognito ("access"), Hydra, Salesforce and Duende ("access_token"), Keycloak
// ("Bearer", "ID", "Refresh", "Offline"), RFC 9068 ("at+jwt") and RFC 8693 (URNs).
var (
	accessWords = []string{"access", "accesstoken", "at", "bearer"}
	otherWords  = []string{
		"authorizationcode", "devicecode", "id", "idtoken", "logout", "logouttoken",
		"offline", "offlinetoken", "refresh", "refreshtoken", "usercode",
	}
)

// SaysAccess reports whether a word says that a token is an access token.
func SaysAccess(word string) bool { return slices.Contains(accessWords, plain(word)) }

// SaysOther reports whether a word says that a token is of another kind. A word
// that nobody knows says neither.
func SaysOther(word string) bool { return slices.Contains(otherWords, plain(word)) }

// maxWordBytes is more than any known word has, written in whatever way.
const maxWordBytes = 64

// plain is a word for a kind without what its writers differ in: letter case,
// separators, and what makes a media type (RFC 7515 section 4.1.9) or a URN (RFC
// 8693 section 3) of it.
func plain(word string) string {
	if len(word) > maxWordBytes {
		return ""
	}
	word = ascii.Lower(word)
	word = strings.TrimPrefix(word, "application/")
	word = strings.TrimPrefix(word, "urn:ietf:params:oauth:token-type:")
	word = strings.TrimSuffix(word, "+jwt")
	b := make([]byte, 0, maxWordBytes)
	for i := range len(word) {
		if c := word[i]; c != '_' && c != '-' {
			b = append(b, c)
		}
	}
	return string(b)
}

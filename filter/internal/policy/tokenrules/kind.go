package tokenrules

import (
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// Kind is what a word says about a token.
type Kind uint8

// The kinds. An unknown word says that the token is something else.
const (
	UnknownKind Kind = iota
	AccessKind       // an access token
	DPoPKind         // an access token that is bound to a key (RFC 9449)
	JWTKind          // any token that is a JWT
	OtherKind        // a token of another kind
)

// Supported reports whether a token is an access token, as far as the server
// said, of a type that the request may present it as. Some servers call refresh
// and ID tokens active. token_type is optional (RFC 7662 section 2.2). A token
// of type DPoP is proven, or refused (RFC 9449 section 6.2).
func Supported(t *pipeline.Claims) bool {
	if t.OtherKind {
		return false
	}
	if t.TokenType == "" || t.TokenType == "Bearer" { // most are
		return true
	}
	switch KindOf(t.TokenType) {
	case AccessKind:
		return true
	case DPoPKind:
		return t.KeyThumbprint != "" && t.Proven
	}
	return false
}

// kinds are the words as plain gives them. Servers write them as Cognito
// ("access"), Hydra, Salesforce and Duende ("access_token"), Keycloak ("Bearer",
// "DPoP", "ID", "Refresh", "Offline"), RFC 9068 ("at+jwt"), RFC 8693 (URNs).
var kinds = [...]struct {
	word string
	kind Kind
}{
	{"bearer", AccessKind}, {"access", AccessKind}, {"accesstoken", AccessKind}, {"at", AccessKind},
	{"dpop", DPoPKind}, {"jwt", JWTKind},
	{"refresh", OtherKind}, {"refreshtoken", OtherKind}, {"offline", OtherKind}, {"offlinetoken", OtherKind},
	{"id", OtherKind}, {"idtoken", OtherKind}, {"logout", OtherKind}, {"logouttoken", OtherKind},
	{"authorizationcode", OtherKind}, {"devicecode", OtherKind}, {"usercode", OtherKind},
}

// KindOf reads a word for a kind of tokens.
func KindOf(word string) Kind {
	word = plain(word)
	for i := range kinds {
		if kinds[i].word == word {
			return kinds[i].kind
		}
	}
	return UnknownKind
}

// maxWordBytes is more than any known word has, written in whatever way.
const maxWordBytes = 64

// plain is a word for a kind without what its writers differ in: letter case,
// separators, and what makes it a media type (RFC 7515 section 4.1.9) or a URN
// (RFC 8693 section 3).
func plain(word string) string {
	if len(word) > maxWordBytes {
		return ""
	}
	word = ascii.Lower(word)
	for _, prefix := range [...]string{"application/", "urn:ietf:params:oauth:token-type:"} {
		word = strings.TrimPrefix(word, prefix)
	}
	word = strings.TrimSuffix(word, "+jwt")
	b := make([]byte, 0, maxWordBytes)
	for i := range len(word) {
		if c := word[i]; c != '_' && c != '-' {
			b = append(b, c)
		}
	}
	return string(b)
}

package introspection

import (
	"slices"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/jsonobject"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/tokenrules"
)

// kindSigns are what the members of one token say about its kind.
type kindSigns struct {
	access bool // something that only an access token has
	other  bool // something that no access token has
	nonce  bool
	typ    string // Keycloak's name for token_type, where it says an access token's
	dpop   bool
}

// Members that tell a token's kind besides token_type.
var (
	// kindMembers exist for nothing else, so what they say has to be known:
	// OpenIddict (oi_tkn_typ, token_usage), ForgeRock (tokenName), Cognito, Hydra and
	// HubSpot (token_use), Keycloak (typ).
	kindMembers = []string{"oi_tkn_typ", "tokenName", "token_kind", "token_usage", "token_use", "typ"}
	// wordMembers have common names, which a server may use for what it likes, so
	// only the known words for another kind count: Curity (purpose), FusionAuth
	// (tty), Flask (type).
	wordMembers = []string{"kind", "purpose", "token_class", "tty", "type", "use"}
	// idMembers are in no access token: the hashes of an ID token (OpenID
	// Connect Core section 3.3.2.11; s_hash: FAPI 1 part 2), and the claim that
	// makes a JWT the answer of an introspection (RFC 9701 section 5).
	idMembers = []string{"at_hash", "c_hash", "s_hash", "token_introspection"}
)

// oneOf is slices.Contains in one place: inlined, it is larger than its call.
//
//go:noinline
func oneOf(names []string, name string) bool { return slices.Contains(names, name) }

// note takes a member that is not absent.
func (k *kindSigns) note(name string, v jsonobject.Value) {
	switch {
	case oneOf(kindMembers, name):
		k.word(name, v.Content()) // "" of what is not text
	case oneOf(wordMembers, name):
		k.other = k.other || tokenrules.KindOf(v.Content()) == tokenrules.OtherKind
	case oneOf(idMembers, name):
		k.other = true
	case name == "nonce":
		k.nonce = true
	case name == "events":
		k.other = k.other || isEvents(v)
	}
}

// word takes what a member that exists to tell the kind says. Keycloak's typ
// may also say, as a header does, that the token is a JWT.
func (k *kindSigns) word(name, says string) {
	kind := tokenrules.KindOf(says)
	switch {
	case kind == tokenrules.AccessKind, kind == tokenrules.DPoPKind:
		k.access = true
		k.dpop = k.dpop || kind == tokenrules.DPoPKind
		if name == "typ" {
			k.typ = strings.Clone(says)
		}
	case kind != tokenrules.JWTKind || name != "typ":
		k.other = true
	}
}

// isEvents tells the claim of security event and logout tokens (RFC 8417 section
// 2.2: an object whose names are URIs) from one that only has its name.
func isEvents(v jsonobject.Value) bool {
	uri := false
	if v.IsObject() {
		v.Each(func(name string, _ jsonobject.Value) bool {
			uri = strings.IndexByte(name, ':') >= 0
			return !uri
		})
	}
	return uri
}

// conclude notes in the claims what follows. A nonce is the sign of an ID token
// (OpenID Connect Core section 2) unless there is one of an access token:
// ForgeRock and older Keycloaks write it into both. A token that is called DPoP
// and is bound to no key is not what it says.
func (k *kindSigns) conclude(c *pipeline.Claims) {
	c.OtherKind = k.other || k.nonce && !k.access || k.dpop && c.KeyThumbprint == ""
	if c.TokenType == "" {
		c.TokenType = k.typ
	}
}

package introspection

import (
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/tokenrules"
)

// Members by which servers tell what kind a token is of, besides token_type.
var (
	// kindMembers exist for nothing else, so what they say has to be known: Cognito,
	// Hydra and HubSpot (token_use), OpenIddict (token_usage, oi_tkn_typ), ForgeRock
	// (tokenName), Keycloak (typ).
	kindMembers = []string{"oi_tkn_typ", "tokenName", "token_kind", "token_usage", "token_use", "typ"}
	// wordMembers have common names, which a server may use for what it likes; only
	// the known words for another kind count: Curity (purpose), FusionAuth (tty),
	// Flask (type).
	wordMembers = []string{"kind", "purpose", "token_class", "tty", "type", "use"}
	// idMembers stand in no access token: the hashes of an ID token (OpenID Connect
	// Core section 3.3.2.11; s_hash, FAPI 1 part 2), and what makes a JWT the answer
	// of an introspection (RFC 9701 section 5).
	idMembers = []string{"at_hash", "c_hash", "s_hash", "token_introspection"}
)

// kindSigns are what the members of one token say of its kind.
type kindSigns struct {
	access bool // something that only an access token has
	other  bool // something that no access token has
	nonce  bool
	typ    string // Keycloak's name for token_type
	dpop   bool
}

// note takes a member that is not absent.
func (k *kindSigns) note(name string, v gjson.Result) {
	switch {
	case slices.Contains(kindMembers, name):
		k.word(name, v)
	case slices.Contains(wordMembers, name):
		k.other = k.other || tokenrules.SaysOther(v.Str)
	case slices.Contains(idMembers, name):
		k.other = true
	case name == "nonce":
		k.nonce = true
	case name == "events":
		k.other = k.other || isEvents(v)
	}
}

// word takes a member that exists to tell the kind. "JWT" tells none.
func (k *kindSigns) word(name string, v gjson.Result) {
	switch {
	case v.Type == gjson.String && tokenrules.SaysAccess(v.Str):
		k.access = true
	case v.Type == gjson.String && tokenrules.IsDPoP(v.Str):
		k.access, k.dpop = true, true
	case name == "typ" && ascii.EqualFold(v.Str, "jwt"):
		return
	default:
		k.other = true
	}
	if name == "typ" && (k.dpop || ascii.EqualFold(v.Str, "bearer")) {
		k.typ = strings.Clone(v.Str)
	}
}

// isEvents tells the claim of security event and logout tokens (RFC 8417 section
// 2.2: an object whose names are URIs) from one that only has its name.
func isEvents(v gjson.Result) bool {
	uri := false
	if v.IsObject() {
		v.ForEach(func(name, _ gjson.Result) bool {
			uri = strings.IndexByte(name.Str, ':') >= 0
			return !uri
		})
	}
	return uri
}

// conclude says of the claims what follows. A nonce is the sign of an ID token
// (OpenID Connect Core section 2) unless there is one of an access token:
// ForgeRock and older Keycloaks write it into both. What is called DPoP and is
// bound to no key is not what it is called.
func (k *kindSigns) conclude(c *pipeline.Claims) {
	c.OtherKind = k.other || k.nonce && !k.access || k.dpop && c.KeyThumbprint == ""
	if c.TokenType == "" {
		c.TokenType = k.typ
	}
}

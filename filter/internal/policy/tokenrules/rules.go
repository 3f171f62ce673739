// Package tokenrules decides whether what introspection said about a token is
// enough for the request.
package tokenrules

import (
	"slices"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// MaxSkew bounds how far our clock and the server's may be taken to differ.
const MaxSkew = 5 * time.Minute

// Options are the rules. An empty one is not checked.
type Options struct {
	Issuer    string   // the token's must be equal, byte for byte
	Audience  []string // the token must be meant for at least one
	ClientIDs []string // the token must have been issued to one
	Scopes    []string // the token must have all
	// ForSome says that perhaps no step has asked for a token, which the
	// request then lacks.
	ForSome bool
	// TypeRequired requires the server to say what type the token is.
	TypeRequired bool
	// Skew is allowed at exp and nbf; it is taken as 0 when negative and as
	// MaxSkew when larger.
	Skew time.Duration
}

// New makes a require_token step.
func New(o Options) pipeline.Step {
	return &step{
		issuer:    o.Issuer,
		audience:  slices.Clone(o.Audience),
		clientIDs: slices.Clone(o.ClientIDs),
		scopes:    slices.Clone(o.Scopes),
		challenge: challengeScope(o.Scopes),
		typed:     o.TypeRequired,
		forSome:   o.ForSome,
		skew:      min(max(o.Skew, 0), MaxSkew),
	}
}

type step struct {
	issuer                      string
	audience, clientIDs, scopes []string
	challenge                   string // the scopes, as the refusal lists them
	typed, forSome              bool
	skew                        time.Duration
}

const name = "require_token"

// Name is the step's word in the configuration.
func (s *step) Name() string { return name }

// Apply checks from the coarse to the fine; the first rule that is broken is
// the reason. Without claims nothing was introspected, which is a fault of
// ours, not of the request.
func (s *step) Apply(x *pipeline.Exchange) pipeline.Outcome {
	if x.Token == nil && s.forSome {
		return pipeline.DenyFor(denial.TokenMissing)
	}
	if x.Token == nil {
		return pipeline.DenyFor(denial.Internal)
	}
	if reason, ok := s.checkToken(x.Token, x.Now); !ok {
		return pipeline.DenyFor(reason)
	}
	if len(s.clientIDs) > 0 && !names(s.clientIDs, x.Token.ClientID) {
		return pipeline.DenyFor(denial.TokenClientMismatch)
	}
	if !clientBound(x) {
		return pipeline.DenyFor(denial.TokenClientNotBound)
	}
	if !s.enoughScopes(x.Token.Scopes) || !productScopes(x) {
		return pipeline.Deny(denial.Denial{Reason: denial.TokenScopeInsufficient, Scope: s.challenge})
	}
	return pipeline.Continue()
}

// OfCaller checks the rules that are not in the step but in the catalog: the
// clients whose tokens may come with the app's key, and the scopes of the
// product. It is for sequences in which no require_token does.
func OfCaller(x *pipeline.Exchange) pipeline.Outcome {
	switch {
	case x.Token == nil:
		return pipeline.DenyFor(denial.Internal)
	case !clientBound(x):
		return pipeline.DenyFor(denial.TokenClientNotBound)
	case !productScopes(x):
		return pipeline.DenyFor(denial.TokenScopeInsufficient)
	}
	return pipeline.Continue()
}

// checkToken looks at the token alone. exp is optional (RFC 7662 section 2.2): a
// token without one is good for as long as the server says so.
func (s *step) checkToken(t *pipeline.Claims, now int64) (denial.Reason, bool) {
	switch {
	case !Supported(t):
		return denial.TokenTypeUnsupported, false
	case t.SenderConstrained && !t.Proven:
		return denial.TokenSenderConstrained, false
	case !t.Active: // after what a step before, in dry run, may have refused it for
		return denial.TokenInactive, false
	case s.typed && t.TokenType == "":
		return denial.TokenTypeUnsupported, false
	case t.Expires != 0 && (now-int64(s.skew))/int64(time.Second) >= t.Expires:
		return denial.TokenExpired, false
	case t.NotBefore != 0 && (now+int64(s.skew))/int64(time.Second) < t.NotBefore:
		return denial.TokenNotYetValid, false
	case s.issuer != "" && t.Issuer != s.issuer:
		return denial.TokenIssuerMismatch, false
	case len(s.audience) > 0 && !overlap(s.audience, t.Audience):
		return denial.TokenAudienceMismatch, false
	}
	return 0, true
}

// enoughScopes requires all scopes of the step.
func (s *step) enoughScopes(have []string) bool {
	for _, scope := range s.scopes {
		if !contains(have, scope) {
			return false
		}
	}
	return true
}

// clientBound reports whether tokens of the token's client may come with the
// caller's key.
func clientBound(x *pipeline.Exchange) bool {
	bound := x.Caller.TokenClients
	return len(bound) == 0 || names(bound, x.Token.ClientID)
}

// productScopes requires one of the product's.
func productScopes(x *pipeline.Exchange) bool {
	product := x.Caller.ProductScopes
	return len(product) == 0 || overlap(product, x.Token.Scopes)
}

// names reports whether a list has the client; a token without a client is in
// none.
func names(list []string, client string) bool {
	return client != "" && contains(list, client)
}

func overlap(a, b []string) bool {
	for _, s := range a {
		if contains(b, s) {
			return true
		}
	}
	return false
}

// contains is slices.Contains in one place: inlined, it is larger than its call.
//
//go:noinline
func contains(list []string, s string) bool { return slices.Contains(list, s) }

// challengeScope joins scopes for the challenge's quoted string. It lists none
// if one is not a scope-token (RFC 6749 section 3.3) and could end the quotes
// or the header line.
func challengeScope(scopes []string) string {
	for _, scope := range scopes {
		for i := 0; i < len(scope); i++ {
			if c := scope[i]; c <= 0x20 || c >= 0x7f || c == '"' || c == '\\' {
				return ""
			}
		}
	}
	return strings.Join(scopes, " ")
}

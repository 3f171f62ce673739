package introspection

import (
	"errors"
	"slices"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/jose"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/introspection/jwks"
)

// Precheck is what an access token that is a JWT must be before anybody is asked
// about it (RFC 8725, RFC 9068 section 4).
type Precheck struct {
	Keys       jwks.Options
	Issuer     string           // equal, byte for byte
	Audience   []string         // at least one of them
	Algorithms []jose.Algorithm // one of them
	Skew       time.Duration    // allowed at exp and nbf
	// DenyOpaque refuses tokens that are not JWTs; they mean something to their
	// issuer only.
	DenyOpaque bool
	// AccessTokenType requires the header to say that the token is an access
	// token (RFC 9068 section 2.1).
	AccessTokenType bool
}

// precheck is a Precheck at work in one VM.
type precheck struct {
	options Precheck
	keys    *jwks.Keys
	host    jose.Host
}

func newPrecheck(o Precheck, p host.Ports) *precheck {
	keys := jwks.New(o.Keys, p)
	return &precheck{options: o, keys: keys, host: p.Host}
}

// apply refuses a token that its issuer cannot have meant, and lets next answer
// for the others, with the token's claims; nil for an opaque token. What costs
// nothing comes first: only a token that says the right things is worth a look
// at the keys.
func (p *precheck) apply(x *pipeline.Exchange, token string, next func(*pipeline.Exchange, *pipeline.Claims) pipeline.Outcome) pipeline.Outcome {
	if !jose.LooksSigned(token) {
		if p.options.DenyOpaque {
			return pipeline.DenyFor(denial.TokenOpaque)
		}
		return next(x, nil)
	}
	m, err := jose.Parse(token)
	if err != nil {
		return pipeline.DenyFor(parseReason(err))
	}
	claims, reason, ok := p.claims(m, x.Now)
	if !ok {
		return pipeline.DenyFor(reason)
	}
	return p.keys.Find(x, &m.Header, func(x *pipeline.Exchange, key *jose.PublicKey) pipeline.Outcome {
		if !key.Verify(m, p.host) {
			return pipeline.DenyFor(denial.TokenSignatureInvalid)
		}
		return next(x, claims)
	})
}

func parseReason(err error) denial.Reason {
	switch {
	case errors.Is(err, jose.ErrAlgorithm):
		return denial.TokenAlgorithmRefused
	case errors.Is(err, jose.ErrTooLong):
		return denial.TokenTooLong
	case errors.Is(err, jose.ErrNameTooLong):
		return denial.TokenClaimTooLong
	}
	return flawOf(err).ofToken()
}

// claims checks everything that a token says except who signed it.
func (p *precheck) claims(m *jose.Message, now int64) (c *pipeline.Claims, reason denial.Reason, ok bool) {
	o := &p.options
	if !slices.Contains(o.Algorithms, m.Header.Algorithm) {
		return nil, denial.TokenAlgorithmRefused, false
	}
	// Okta's access tokens have no typ. What is typed must be an access token: a
	// logout token or a DPoP proof may have the same issuer and audience.
	h := &m.Header
	atJWT := h.Is("at+jwt")
	if !atJWT && (o.AccessTokenType || h.Type != "" && !h.Is("jwt")) {
		return nil, denial.TokenTypeUnsupported, false
	}
	c, reason, ok = readTokenClaims(m.Payload, atJWT)
	switch {
	case !ok:
		return nil, reason, false
	case c.Expires == 0:
		return nil, denial.TokenMalformed, false
	case c.Issuer != o.Issuer:
		return nil, denial.TokenIssuerMismatch, false
	case !slices.ContainsFunc(c.Audience, func(a string) bool { return slices.Contains(o.Audience, a) }):
		return nil, denial.TokenAudienceMismatch, false
	case (now-int64(o.Skew))/int64(time.Second) >= c.Expires:
		return nil, denial.TokenExpired, false
	case (now+int64(o.Skew))/int64(time.Second) < c.NotBefore:
		return nil, denial.TokenNotYetValid, false
	case c.OtherKind:
		return nil, denial.TokenTypeUnsupported, false
	}
	return c, 0, true
}

// validity is when a token's own times let it pass, given the claims that apply
// read from it: they can be applied at any later time.
func (p *precheck) validity(c *pipeline.Claims) span {
	if c == nil {
		return always
	}
	return spanOf(c.NotBefore, c.Expires, int64(p.options.Skew))
}

// localStep believes a JWT by its signature alone and asks nobody: it cannot
// know that a token was revoked.
type localStep struct {
	name    string
	check   *precheck
	binding binding
}

// NewLocal makes an introspect_token step that makes no call but for keys.
func NewLocal(o Precheck, b Binding, p host.Ports) pipeline.Step {
	return newLocal("introspect_token", o, b, p)
}

// NewJWT makes the same as a verify_jwt step.
func NewJWT(o Precheck, b Binding, p host.Ports) pipeline.Step {
	return newLocal("verify_jwt", o, b, p)
}

func newLocal(name string, o Precheck, b Binding, p host.Ports) pipeline.Step {
	o.DenyOpaque = true
	return &localStep{name: name, check: newPrecheck(o, p), binding: newBinding(b, p)}
}

// Name is the step's word in the configuration.
func (s *localStep) Name() string { return s.name }

// Apply checks the request's token. The claims of an accepted one are its own.
func (s *localStep) Apply(x *pipeline.Exchange) pipeline.Outcome {
	x.Token = nil
	cred, reason, ok := s.binding.credential(x)
	if !ok {
		return pipeline.DenyFor(reason)
	}
	return s.check.apply(x, cred.token, func(x *pipeline.Exchange, c *pipeline.Claims) pipeline.Outcome {
		if c == nil {
			return pipeline.Outcome{}
		}
		return s.binding.accept(x, cred.proof, c)
	})
}

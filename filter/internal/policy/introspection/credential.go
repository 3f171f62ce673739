package introspection

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/dpop"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/tokenrules"
)

// credential is an access token as a request presents it.
type credential struct {
	_     [0]func() // not comparable: an unused == costs the guest code
	token string
	proof *dpop.Proof // nil for one that came as Bearer
}

// Binding says how a request proves that a token is its own.
type Binding struct {
	_ [0]func() // not comparable: an unused == costs the guest code
	// DPoP accepts tokens of that scheme (RFC 9449 section 7.1); nil accepts
	// only Bearer.
	DPoP *dpop.Options
	// Required refuses Bearer: every token must be bound to a key.
	Required bool
}

// binding is a Binding at work in one VM.
type binding struct {
	proofs      *dpop.Checker // nil for none
	required    bool
	certificate func() string
}

func newBinding(o Binding, p host.Ports) binding {
	b := binding{required: o.Required, certificate: p.ClientCertificate}
	if o.DPoP != nil {
		b.proofs = dpop.New(*o.DPoP, p.Store, p.Host)
	}
	return b
}

// credential finds the request's token, and checks all of its proof that can be
// checked without knowing whose token it is.
func (b *binding) credential(x *pipeline.Exchange) (c credential, reason denial.Reason, ok bool) {
	b.offer(x)
	token, asDPoP, reason, ok := tokenOf(x, b.proofs != nil)
	switch c.token = token; {
	case !ok:
		return c, reason, false
	case asDPoP:
		proof, reason, ok := b.proofs.Check(x, token)
		c.proof = &proof
		return c, reason, ok
	case b.required:
		return c, denial.DPoPRequired, false
	}
	return c, 0, true
}

// offer says which proofs are accepted, for challenges.
//
//go:noinline
func (b *binding) offer(x *pipeline.Exchange) {
	if b.proofs != nil {
		x.DPoP = b.proofs.Offer()
	}
}

// accept lets the exchange go on with the claims of an active access token, when
// it is presented as it is bound, with its proof if it came with one. A token that
// is refused is active for nobody: an operator may let the request pass all the
// same, and it is not known then to be its own. Its subject stays for the records.
func (b *binding) accept(x *pipeline.Exchange, proof *dpop.Proof, claims *pipeline.Claims) pipeline.Outcome {
	x.TakeToken(claims)
	if !claims.Active {
		return pipeline.DenyFor(denial.TokenInactive)
	}
	reason, ok := b.prove(x.Token, proof, x.Now)
	if x.Token.Proven = ok && claims.SenderConstrained; ok && !tokenrules.Supported(x.Token) {
		reason, ok = denial.TokenTypeUnsupported, false
	}
	switch {
	case ok:
		return pipeline.Continue()
	case reason.Technical(): // nothing is known, as after any other failure
		x.Token = nil
	default:
		x.Token.Active, x.Token.Proven = false, false
	}
	return pipeline.DenyFor(reason)
}

// prove compares what the token is bound to with what the request has shown. The
// proof is used up last, when nothing else can be wrong with it.
func (b *binding) prove(t *pipeline.Claims, proof *dpop.Proof, now int64) (reason denial.Reason, ok bool) {
	bare := t.KeyThumbprint == "" && t.CertificateThumbprint == ""
	switch {
	case proof == nil && t.KeyThumbprint != "", t.SenderConstrained && bare:
		return denial.TokenSenderConstrained, false
	case proof != nil && !sameThumbprint(t.KeyThumbprint, proof.Thumbprint):
		return denial.TokenKeyMismatch, false
	case t.CertificateThumbprint != "" && !sameThumbprint(t.CertificateThumbprint, certificateThumbprint(b.certificate())):
		return denial.TokenCertificateMismatch, false
	case proof != nil:
		return b.proofs.Spend(*proof, now)
	}
	return 0, true
}

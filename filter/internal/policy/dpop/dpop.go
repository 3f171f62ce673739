// Package dpop checks that whoever presents an access token holds the key that
// the token is bound to: a proof is a small JWT in the header DPoP, made for
// one request and good once (RFC 9449). It does not know what the token is
// bound to; the caller, who asks the authorization server, compares.
package dpop

import (
	"slices"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/jose"
	"github.com/sallyport-gateway/sallyport/filter/internal/jsonobject"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sha256"
)

const (
	// maxProofBytes bounds a proof. One with an RSA key of 4,096 bits has about
	// 1,700 bytes.
	maxProofBytes = 4096
	// maxIDBytes bounds jti.
	maxIDBytes = 256
	// header is where a proof comes (RFC 9449 section 4.1).
	header = "dpop"
)

// Options says which proofs are accepted.
type Options struct {
	Algorithms []jose.Algorithm // one of them
	MaxAge     time.Duration    // since iat
	Skew       time.Duration    // how far iat may be in the future
	Entries    int              // proofs that are remembered, at least; see MaxEntries
}

// Checker checks proofs. The zero value is not usable.
type Checker struct {
	options Options
	offer   string
	spent   spent
	host    jose.Host
}

// New makes a checker. Checkers over the same store remember the same proofs.
func New(o Options, store host.Store, host jose.Host) *Checker {
	words := make([]string, len(o.Algorithms))
	for i, a := range o.Algorithms {
		words[i] = a.String()
	}
	return &Checker{options: o, offer: strings.Join(words, " "), spent: newSpent(store, o.Entries), host: host}
}

// Offer lists the algorithms as a challenge does (RFC 9449 section 7.1),
// separated by blanks.
func (c *Checker) Offer() string { return c.offer }

// Proof is a checked proof that was not yet used up.
type Proof struct {
	_ [0]func() // not comparable: an unused == costs the guest code
	// Thumbprint is of the key that made it, as cnf.jkt has it.
	Thumbprint string

	id     proofID
	issued int64 // unix seconds
}

// Check makes the checks that RFC 9449 section 4.3 lists, except for two:
// whether the token is bound to the proof's key, and whether the proof was seen
// before. What costs least comes first: a signature is checked only for a proof
// that says the right things.
func (c *Checker) Check(x *pipeline.Exchange, token string) (p Proof, reason denial.Reason, ok bool) {
	text, reason, ok := proofIn(x)
	if !ok {
		return Proof{}, reason, false
	}
	m, err := jose.Parse(text)
	if err != nil || !m.Header.Is("dpop+jwt") || !slices.Contains(c.options.Algorithms, m.Header.Algorithm) {
		return Proof{}, denial.DPoPMalformed, false
	}
	said, ok := readClaims(m.Payload)
	if !ok {
		return Proof{}, denial.DPoPMalformed, false
	}
	if said.method != x.Method || !sameTarget(said.target, x) || said.tokenHash != jose.Digest(token) {
		return Proof{}, denial.DPoPMismatch, false
	}
	if !c.fresh(said.issued, x.Now) {
		return Proof{}, denial.DPoPStale, false
	}
	key, err := m.Header.EmbeddedKey()
	if err != nil {
		return Proof{}, denial.DPoPMalformed, false
	}
	if !key.Verify(m, c.host) {
		return Proof{}, denial.DPoPSignatureInvalid, false
	}
	thumbprint := key.Thumbprint()
	return Proof{Thumbprint: thumbprint, id: idOf(thumbprint, said.id), issued: said.issued}, 0, true
}

// Spend uses up a proof: of all requests that bring the same one, only one in
// all VMs gets true. It is for a proof whose key is the token's, so that only
// someone who has such a token can fill the memory. It costs two hostcalls.
func (c *Checker) Spend(p Proof, now int64) (reason denial.Reason, ok bool) {
	first, err := c.spent.add(p.id, p.issued, now/int64(time.Second)+int64(c.options.Skew/time.Second))
	switch {
	case err != nil:
		return denial.DPoPUnavailable, false
	case !first:
		return denial.DPoPReplayed, false
	}
	return 0, true
}

// fresh reports whether iat, in seconds, is at most MaxAge old and at most Skew
// ahead of now.
func (c *Checker) fresh(issued, now int64) bool {
	age := now/int64(time.Second) - issued
	return -int64(c.options.Skew/time.Second) <= age && age <= int64(c.options.MaxAge/time.Second)
}

// proofIn finds the proof: exactly one header with one JWT. Envoy joins two
// headers of one name with a comma.
func proofIn(x *pipeline.Exchange) (text string, reason denial.Reason, ok bool) {
	values := x.HeaderValues(header)
	switch {
	case len(values) == 0:
		return "", denial.DPoPMissing, false
	case len(values) > 1, len(values[0]) > maxProofBytes:
		return "", denial.DPoPMalformed, false
	}
	return values[0], 0, true
}

// claims are a proof's (RFC 9449 section 4.2). All are required.
type claims struct {
	id, method, target, tokenHash string
	issued                        int64 // unix seconds
}

func readClaims(payload []byte) (c claims, ok bool) {
	members, err := jsonobject.Read(payload)
	if err != nil {
		return claims{}, false
	}
	for _, m := range members {
		switch text := m.Value.Content(); m.Name { // "" for what is not a string
		case "jti":
			c.id = text
		case "htm":
			c.method = text
		case "htu":
			c.target = text
		case "ath":
			c.tokenHash = text
		case "iat":
			// Without its fraction, as all times here: a proof looks older.
			c.issued, _, _ = jsonobject.NumericDate(m.Value) // 0 for what is not one
		}
	}
	return c, c.id != "" && len(c.id) <= maxIDBytes && c.method != "" && c.target != "" && c.tokenHash != "" && c.issued > 0
}

// proofID stands for a proof: who made it, and the id that they gave it. Even a
// truncated SHA-256 leaves no chance of a second proof with that id.
type proofID [16]byte

func idOf(thumbprint, id string) (p proofID) {
	// A thumbprint has one length, so none can be taken for a part of an id.
	sum := sha256.Sum256([]byte("sallyport dpop proof v1\x00" + thumbprint + id))
	copy(p[:], sum[:])
	return p
}

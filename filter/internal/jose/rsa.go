package jose

import (
	"crypto/subtle"

	"filippo.io/bigmod"

	"github.com/sallyport-gateway/sallyport/filter/internal/sha256"
)

// digestInfo is the DER of a SHA-256 DigestInfo up to the hash (RFC 8017 section
// 9.2, note 1).
const digestInfo = "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"

// paddedHash is EMSA-PKCS1-v1_5 (RFC 8017 section 9.2) of a text, size bytes
// long. A signature is compared with all of it; a check that takes the
// signature apart instead can be fooled.
func paddedHash(text string, size int) []byte {
	em := make([]byte, 0, size)
	em = append(em, 0, 1)
	for len(em) < size-1-len(digestInfo)-sha256.Size {
		em = append(em, 0xff)
	}
	em = append(em, 0)
	em = append(em, digestInfo...)
	sum := sha256.Sum256([]byte(text))
	return append(em, sum[:]...)
}

// verifyRSA is RSASSA-PKCS1-v1_5-VERIFY (RFC 8017 section 8.2.2).
func verifyRSA(modulus []byte, text string, signature []byte) bool {
	if len(signature) != len(modulus) {
		return false
	}
	n, err := bigmod.NewModulus(modulus)
	if err != nil {
		return false
	}
	s, err := newNat().SetBytes(signature, n)
	if err != nil {
		return false
	}
	em := newNat().ExpShortVarTime(s, exponent, n).Bytes(n)
	return subtle.ConstantTimeCompare(em, paddedHash(text, len(modulus))) == 1
}

// rsaPrivate is an RSA key with what RFC 8017 section 3.2 calls its second
// representation.
type rsaPrivate struct {
	n, p, q *bigmod.Modulus
	dP, dQ  []byte
	qInv    *bigmod.Nat
	qBelowN *bigmod.Nat // q, as a number below n
}

// newRSAPrivate takes the parts of the key that are used: d itself only to
// check that a host, which may use it, would sign the same.
func newRSAPrivate(numbers *[8][]byte) (*rsaPrivate, bool) {
	n, d, p, q, dP, dQ, qInv := numbers[0], numbers[2], numbers[3], numbers[4], numbers[5], numbers[6], numbers[7]
	// A factor as long as the modulus would only waste time; even ones panic.
	for _, factor := range [][]byte{p, q} {
		if len(factor) == 0 || len(factor) >= len(n) || factor[len(factor)-1]&1 == 0 {
			return nil, false
		}
	}
	if len(dP) > len(p) || len(dQ) > len(q) {
		return nil, false
	}
	k := &rsaPrivate{dP: dP, dQ: dQ}
	for i, m := range []**bigmod.Modulus{&k.n, &k.p, &k.q} {
		var err error
		if *m, err = bigmod.NewModulus([][]byte{n, p, q}[i]); err != nil {
			return nil, false
		}
	}
	var err, err2 error
	k.qInv, err = newNat().SetBytes(qInv, k.p)
	k.qBelowN, err2 = newNat().SetBytes(q, k.n)
	if err != nil || err2 != nil {
		return nil, false
	}
	return k, reduces(d, p, dP, k.n) && reduces(d, q, dQ, k.n)
}

// reduces reports whether dP is d modulo one less than an odd prime.
func reduces(d, p, dP []byte, n *bigmod.Modulus) bool {
	p1 := append([]byte(nil), p...)
	p1[len(p1)-1]--
	m, err := bigmod.NewModulus(p1)
	if err != nil {
		return false
	}
	whole, err := newNat().SetBytes(d, n)
	if err != nil {
		return false
	}
	part, err := newNat().SetBytes(dP, m)
	return err == nil && part.Equal(newNat().Mod(whole, m)) == 1
}

// sign is RSASP1 (RFC 8017 section 5.2.1) over the padded hash, in a time that
// does not depend on the key's secrets. A result that the public key does not
// confirm is not returned: one that went wrong in half of the computation
// reveals the factors.
func (k *rsaPrivate) sign(modulus []byte, text string) ([]byte, bool) {
	m, err := newNat().SetBytes(paddedHash(text, len(modulus)), k.n)
	if err != nil {
		return nil, false
	}
	s1 := newNat().Exp(newNat().Mod(m, k.p), k.dP, k.p)
	s2 := newNat().Exp(newNat().Mod(m, k.q), k.dQ, k.q)
	h := s1.Sub(newNat().Mod(s2, k.p), k.p).Mul(k.qInv, k.p)
	s := h.ExpandFor(k.n).Mul(k.qBelowN, k.n).Add(s2.ExpandFor(k.n), k.n)
	signature := s.Bytes(k.n)
	return signature, verifyRSA(modulus, text, signature)
}

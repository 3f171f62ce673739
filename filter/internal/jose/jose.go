// Package jose reads, checks and makes signed JSON Web Tokens, as narrowly as
// RFC 8725 asks for: JWS in compact serialization (RFC 7515), RS256 and ES256
// only (RFC 7518), keys as JWK (RFC 7517). There is no algorithm "none" and no
// symmetric one, and a key fits one algorithm, so neither can be confused with
// the other. It knows no host; a host that can check and make signatures is
// given as a function, and without one it does so itself.
//
// crypto/rsa and crypto/ecdsa link the FIPS 140 module and math/big, 2.1 MB of
// a guest of 3 MB. filippo.io/bigmod and filippo.io/nistec are the arithmetic
// of the same standard library, exported, in a tenth of that; what is built on
// them here is tested against crypto/rsa and crypto/ecdsa.
package jose

import "errors"

// MaxTokenBytes bounds a token. Okta's access tokens have one to two thousand
// bytes; one of Keycloak with 200 roles has twelve thousand. Envoy takes 60 KiB
// of headers in all.
const MaxTokenBytes = 16 << 10

// What can be wrong with a token or a key. None quotes what was there.
var (
	ErrMalformed   = errors.New("not a signed token in compact serialization")
	ErrTooLong     = errors.New("a token that is too long")
	ErrNameTooLong = errors.New("kid or typ is too long")
	ErrAlgorithm   = errors.New("a signature algorithm that is not accepted")
	ErrCritical    = errors.New("a critical header that is not understood")
	ErrKey         = errors.New("not a usable key")
	ErrKeySet      = errors.New("not a key set")
	ErrSign        = errors.New("the signature could not be made")
)

// Algorithm is a signature algorithm (RFC 7518 section 3.1). The zero value is
// none at all, and no key fits it.
type Algorithm uint8

// The algorithms.
const (
	NoAlgorithm Algorithm = iota
	RS256                 // RSASSA-PKCS1-v1_5 with SHA-256
	ES256                 // ECDSA on P-256 with SHA-256
)

// Algorithms are the names of the algorithms, in the order of their numbers
// from 1 on.
var Algorithms = []string{"RS256", "ES256"}

// AlgorithmOf is the algorithm of that name, compared exactly; NoAlgorithm for others.
func AlgorithmOf(name string) Algorithm {
	for i, known := range Algorithms {
		if known == name {
			return Algorithm(i + 1)
		}
	}
	return NoAlgorithm
}

// String is the algorithm's name, "" for NoAlgorithm.
//
//go:noinline
func (a Algorithm) String() string {
	if a == NoAlgorithm || int(a) > len(Algorithms) {
		return ""
	}
	return Algorithms[a-1]
}

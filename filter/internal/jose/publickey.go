package jose

import (
	"math/bits"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/jsonobject"
)

const (
	// minRSABits is RFC 7518 section 3.3's; maxRSABits keeps a check short.
	minRSABits = 2048
	maxRSABits = 4096
	// exponent is the one public exponent that is accepted. All identity
	// providers use it, and small ones have a history of forgeries.
	exponent      = 65537
	exponentBytes = "\x01\x00\x01"

	coordinateSize = 32 // of P-256, bytes
)

// PublicKey is a key that checks the signatures of one algorithm. The zero value
// checks none.
type PublicKey struct {
	// ID is the key's kid, "" when it has none.
	ID string

	algorithm Algorithm
	modulus   []byte // RSA, big endian, without leading zeros
	point     []byte // P-256, SEC 1 uncompressed
	spki      []byte // DER
}

// Algorithm is the one that the key is for.
func (k *PublicKey) Algorithm() Algorithm { return k.algorithm }

// ParsePublicKey reads a JWK (RFC 7517 section 4) that may check signatures.
func ParsePublicKey(jwk []byte) (*PublicKey, error) {
	if _, err := jsonobject.Read(jwk); err != nil {
		return nil, ErrKey
	}
	return publicKeyOf(jsonobject.Root(jwk))
}

// members are the string members of a JWK, by name.
type members map[string]string

// publicKeyOf reads a key inside a text that has been checked. One that carries
// a private or a symmetric part is refused: it was not meant to be published.
func publicKeyOf(v jsonobject.Value) (*PublicKey, error) {
	m, err := readKey(v)
	if err != nil || m["d"] != "" || m["k"] != "" {
		return nil, ErrKey
	}
	return m.public()
}

// readKey reads what a key's members say about its use, all of which must allow
// verifying signatures (RFC 7517 sections 4.2 to 4.4).
func readKey(v jsonobject.Value) (members, error) {
	list, err := jsonobject.Of(v)
	if err != nil {
		return nil, ErrKey
	}
	m := make(members, len(list))
	for _, member := range list {
		switch member.Name {
		case "key_ops":
			if !allows(member.Value) {
				return nil, ErrKey
			}
		case "kty", "crv", "n", "e", "x", "y", "d", "k", "p", "q", "dp", "dq", "qi", "use", "alg", "kid":
			text := member.Value.Content()
			if text == "" {
				return nil, ErrKey
			}
			m[member.Name] = text
		}
	}
	if use := m["use"]; use != "" && use != "sig" || len(m["kid"]) > maxNameBytes {
		return nil, ErrKey
	}
	return m, nil
}

func allows(operations jsonobject.Value) bool {
	if !operations.IsList() {
		return false
	}
	good := false
	operations.Each(func(_ string, v jsonobject.Value) bool {
		use := v.Content()
		good = use == "verify" || use == "sign"
		return !good
	})
	return good
}

func (m members) public() (*PublicKey, error) {
	k := &PublicKey{ID: strings.Clone(m["kid"])}
	ok := false
	switch m["kty"] {
	case "RSA":
		k.algorithm = RS256
		ok = k.readRSA(m)
	case "EC":
		k.algorithm = ES256
		ok = k.readEC(m)
	}
	if alg := m["alg"]; !ok || alg != "" && alg != k.algorithm.String() {
		return nil, ErrKey
	}
	return k, nil
}

func (k *PublicKey) readRSA(m members) bool {
	n, ok := decode(m["n"])
	e, ok2 := decode(m["e"])
	if !ok || !ok2 || string(e) != exponentBytes || !goodModulus(n) {
		return false
	}
	k.modulus = n
	k.spki = rsaSPKI(n)
	return true
}

func goodModulus(n []byte) bool {
	if len(n) == 0 || n[0] == 0 || n[len(n)-1]&1 == 0 {
		return false
	}
	size := len(n)*8 - bits.LeadingZeros8(n[0])
	return size >= minRSABits && size <= maxRSABits
}

func (k *PublicKey) readEC(m members) bool {
	x, ok := decode(m["x"])
	y, ok2 := decode(m["y"])
	if !ok || !ok2 || m["crv"] != "P-256" || len(x) != coordinateSize || len(y) != coordinateSize {
		return false
	}
	return k.setPoint(append(append([]byte{4}, x...), y...))
}

// setPoint takes a point in SEC 1 uncompressed form if it is on the curve.
func (k *PublicKey) setPoint(point []byte) bool {
	if _, err := newPoint().SetBytes(point); err != nil {
		return false
	}
	k.point = point
	k.spki = spki(ecIdentifier, point)
	return true
}

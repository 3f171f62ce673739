package jose

import (
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/jsonobject"
)

// maxKeyText bounds the text of a private key. PEM of RSA with 4096 bits has
// 3,300 bytes.
const maxKeyText = 16 << 10

// PrivateKey makes signatures. It prints [redacted].
type PrivateKey struct {
	public *PublicKey
	rsa    *rsaPrivate
	scalar []byte
	pkcs8  []byte // DER, for a host that signs
}

// Public is the key that checks what this one signs.
func (k *PrivateKey) Public() *PublicKey { return k.public }

// Algorithm is the one that the key signs with.
func (k *PrivateKey) Algorithm() Algorithm { return k.public.algorithm }

// String is [redacted].
func (k *PrivateKey) String() string { return "[redacted]" }

// GoString is [redacted], for %#v.
func (k *PrivateKey) GoString() string { return "[redacted]" }

// ParsePrivateKey reads a key in PEM (PKCS #8, PKCS #1 or SEC 1, not encrypted)
// or as JWK. A key whose parts do not belong together is refused. A JWK's kid
// becomes the public key's ID.
func ParsePrivateKey(text string) (*PrivateKey, error) {
	if len(text) > maxKeyText {
		return nil, ErrKey
	}
	text = ascii.Trim(text, " \t\r\n")
	var k *PrivateKey
	var ok bool
	if strings.HasPrefix(text, "{") {
		k, ok = privateJWK([]byte(text))
	} else {
		k, ok = privatePEM(text)
	}
	if !ok || !k.proves() {
		return nil, ErrKey
	}
	return k, nil
}

// proves signs something and checks it: parts that do not belong together fail.
func (k *PrivateKey) proves() bool {
	signature, ok := k.sign("sallyport")
	return ok && k.public.verify("sallyport", signature)
}

// privatePEM reads one block (RFC 7468). Blanks count as line breaks, which
// environment variables may have lost.
func privatePEM(text string) (*PrivateKey, bool) {
	const begin, dashes, end = "-----BEGIN ", "-----", "-----END "
	rest, ok := strings.CutPrefix(text, begin)
	if !ok {
		return nil, false
	}
	label, rest, ok := strings.Cut(rest, dashes)
	if !ok {
		return nil, false
	}
	body, ok := strings.CutSuffix(rest, end+label+dashes)
	if !ok {
		return nil, false
	}
	b := make([]byte, 0, len(body))
	for _, c := range []byte(body) {
		if c != '\n' && c != '\r' && c != ' ' && c != '\t' {
			b = append(b, c)
		}
	}
	content, ok := decodePadded(b)
	if !ok {
		return nil, false
	}
	switch label {
	case "PRIVATE KEY":
		return privatePKCS8(content)
	case "RSA PRIVATE KEY":
		return privatePKCS1(content)
	case "EC PRIVATE KEY":
		return privateSEC1(content, false)
	}
	return nil, false
}

// privatePKCS8 reads a PrivateKeyInfo (RFC 5208 section 5). Attributes after
// the key are ignored.
func privatePKCS8(b der) (*PrivateKey, bool) {
	body, ok := b.element(tagSequence)
	if !ok || len(b) > 0 || !body.version(0) {
		return nil, false
	}
	algorithm, ok := body.element(tagSequence)
	key, ok2 := body.element(tagOctetString)
	oid, ok3 := algorithm.element(tagOID)
	if !ok || !ok2 || !ok3 {
		return nil, false
	}
	switch string(oid) {
	case oidRSA:
		if algorithm.constant(tagNull, "") && len(algorithm) == 0 {
			return privatePKCS1(key)
		}
	case oidEC:
		if algorithm.constant(tagOID, oidP256) && len(algorithm) == 0 {
			return privateSEC1(key, true)
		}
	}
	return nil, false
}

// privatePKCS1 reads an RSAPrivateKey (RFC 8017 appendix A.1.2) of two primes.
func privatePKCS1(b der) (*PrivateKey, bool) {
	body, ok := b.element(tagSequence)
	if !ok || len(b) > 0 || !body.version(0) {
		return nil, false
	}
	var numbers [8][]byte // n, e, d, p, q, dP, dQ, qInv
	for i := range numbers {
		if numbers[i], ok = body.integer(); !ok {
			return nil, false
		}
	}
	return privateRSA("", &numbers, len(body) == 0)
}

// privateSEC1 reads an ECPrivateKey (RFC 5915 section 3). Alone it must name its
// curve; inside PKCS #8 the curve has been named.
func privateSEC1(b der, named bool) (*PrivateKey, bool) {
	const tagCurve, tagPoint = 0xa0, 0xa1
	body, ok := b.element(tagSequence)
	if !ok || len(b) > 0 || !body.version(1) {
		return nil, false
	}
	d, ok := body.element(tagOctetString)
	if !ok {
		return nil, false
	}
	if curve, ok := body.element(tagCurve); ok {
		if !curve.constant(tagOID, oidP256) || len(curve) > 0 {
			return nil, false
		}
		named = true
	}
	k, ok := privateEC("", d)
	if point, has := body.element(tagPoint); ok && has {
		ok = point.constant(tagBitString, "\x00"+string(k.public.point))
	}
	return k, ok && named && len(body) == 0
}

// privateJWK reads RFC 7518 sections 6.2.2 and 6.3.2; an RSA key must have its
// primes and what follows from them.
func privateJWK(text []byte) (*PrivateKey, bool) {
	if _, err := jsonobject.Read(text); err != nil {
		return nil, false
	}
	m, err := readKey(jsonobject.Root(text))
	if err != nil {
		return nil, false
	}
	public, err := m.public()
	if err != nil {
		return nil, false
	}
	if public.algorithm == ES256 {
		d, ok := decode(m["d"])
		if !ok {
			return nil, false
		}
		k, ok := privateEC(public.ID, d)
		return k, ok && string(k.public.point) == string(public.point)
	}
	var numbers [8][]byte
	for i, name := range []string{"n", "e", "d", "p", "q", "dp", "dq", "qi"} {
		b, ok := decode(m[name])
		if !ok || len(b) == 0 {
			return nil, false
		}
		for len(b) > 1 && b[0] == 0 { // JWK pads them to the length of the prime
			b = b[1:]
		}
		numbers[i] = b
	}
	return privateRSA(public.ID, &numbers, true)
}

func privateRSA(id string, numbers *[8][]byte, whole bool) (*PrivateKey, bool) {
	n := numbers[0]
	if !whole || string(numbers[1]) != exponentBytes || !goodModulus(n) {
		return nil, false
	}
	private, ok := newRSAPrivate(numbers)
	if !ok {
		return nil, false
	}
	parts := [][]byte{{tagInteger, 1, 0}}
	for _, number := range numbers {
		parts = append(parts, derInteger(number))
	}
	return &PrivateKey{
		public: &PublicKey{ID: id, algorithm: RS256, modulus: n, spki: rsaSPKI(n)},
		rsa:    private,
		pkcs8:  pkcs8(rsaIdentifier, derElement(tagSequence, parts...)),
	}, true
}

func privateEC(id string, d []byte) (*PrivateKey, bool) {
	point, ok := ecPoint(d)
	if !ok {
		return nil, false
	}
	public := &PublicKey{ID: id, algorithm: ES256}
	if !public.setPoint(point) {
		return nil, false
	}
	key := derElement(tagSequence, []byte{tagInteger, 1, 1}, derElement(tagOctetString, d))
	return &PrivateKey{public: public, scalar: d, pkcs8: pkcs8(ecIdentifier, key)}, true
}

func pkcs8(algorithm string, key []byte) []byte {
	return derElement(tagSequence, []byte{tagInteger, 1, 0}, []byte(algorithm), derElement(tagOctetString, key))
}

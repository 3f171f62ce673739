package jose

// The DER tags (X.690 section 8) that keys are made of.
const (
	tagInteger     = 0x02
	tagBitString   = 0x03
	tagOctetString = 0x04
	tagNull        = 0x05
	tagOID         = 0x06
	tagSequence    = 0x30
)

// The object identifiers of keys, encoded.
const (
	oidRSA  = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01" // rsaEncryption
	oidEC   = "\x2a\x86\x48\xce\x3d\x02\x01"         // id-ecPublicKey
	oidP256 = "\x2a\x86\x48\xce\x3d\x03\x01\x07"     // secp256r1
)

// der reads DER from its front. Its methods take one element off, and fail on a
// length that is not in its shortest form.
type der []byte

// element takes one element with the tag; every length must be below 64 KiB.
func (d *der) element(tag byte) (content der, ok bool) {
	b := *d
	if len(b) < 2 || b[0] != tag {
		return nil, false
	}
	size, head := int(b[1]), 2
	switch {
	case size < 0x80:
	case size == 0x81 && len(b) > 2 && b[2] >= 0x80:
		size, head = int(b[2]), 3
	case size == 0x82 && len(b) > 3 && b[2] != 0:
		size, head = int(b[2])<<8|int(b[3]), 4
	default:
		return nil, false
	}
	if len(b)-head < size {
		return nil, false
	}
	*d = b[head+size:]
	return b[head : head+size], true
}

// integer takes a number above or equal to zero, as big-endian bytes without
// leading zeros.
func (d *der) integer() ([]byte, bool) {
	b, ok := d.element(tagInteger)
	if !ok || len(b) == 0 || b[0]&0x80 != 0 || len(b) > 1 && b[0] == 0 && b[1]&0x80 == 0 {
		return nil, false
	}
	if b[0] == 0 {
		b = b[1:]
	}
	return b, true
}

// version takes the integer of a structure's version.
func (d *der) version(want byte) bool {
	b, ok := d.element(tagInteger)
	return ok && len(b) == 1 && b[0] == want
}

// constant takes an element that must have exactly this content.
//
//go:noinline
func (d *der) constant(tag byte, content string) bool {
	b, ok := d.element(tag)
	return ok && string(b) == content
}

// derElement makes an element out of the parts of its content. Inlined it would
// be in the module a dozen times.
//
//go:noinline
func derElement(tag byte, parts ...[]byte) []byte {
	size := 0
	for _, p := range parts {
		size += len(p)
	}
	b := []byte{tag}
	switch {
	case size < 0x80:
		b = append(b, byte(size))
	case size < 0x100:
		b = append(b, 0x81, byte(size))
	default:
		b = append(b, 0x82, byte(size>>8), byte(size))
	}
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// derInteger makes an element from a number, big endian.
//
//go:noinline
func derInteger(b []byte) []byte {
	for len(b) > 0 && b[0] == 0 {
		b = b[1:]
	}
	if len(b) == 0 || b[0]&0x80 != 0 {
		return derElement(tagInteger, []byte{0}, b)
	}
	return derElement(tagInteger, b)
}

// The AlgorithmIdentifiers of keys (RFC 3279 section 2.3.1, RFC 5480 section 2.1.1).
const (
	rsaIdentifier = "\x30\x0d\x06\x09" + oidRSA + "\x05\x00"
	ecIdentifier  = "\x30\x13\x06\x07" + oidEC + "\x06\x08" + oidP256
)

// spki is a SubjectPublicKeyInfo (RFC 5280 section 4.1).
func spki(identifier string, key []byte) []byte {
	return derElement(tagSequence, []byte(identifier), derElement(tagBitString, []byte{0}, key))
}

// rsaSPKI is the SubjectPublicKeyInfo of a modulus.
func rsaSPKI(modulus []byte) []byte {
	return spki(rsaIdentifier, derElement(tagSequence, derInteger(modulus), derInteger([]byte(exponentBytes))))
}

// ecdsaToDER turns r || s into the Ecdsa-Sig-Value of RFC 3279 section 2.2.3.
func ecdsaToDER(signature []byte) []byte {
	half := len(signature) / 2
	return derElement(tagSequence, derInteger(signature[:half]), derInteger(signature[half:]))
}

// ecdsaFromDER turns it back, for P-256.
func ecdsaFromDER(b []byte) ([]byte, bool) {
	outer := der(b)
	body, ok := outer.element(tagSequence)
	if !ok || len(outer) > 0 {
		return nil, false
	}
	r, ok := body.integer()
	s, ok2 := body.integer()
	if !ok || !ok2 || len(body) > 0 || len(r) > coordinateSize || len(s) > coordinateSize {
		return nil, false
	}
	signature := make([]byte, 2*coordinateSize)
	copy(signature[coordinateSize-len(r):], r)
	copy(signature[2*coordinateSize-len(s):], s)
	return signature, true
}

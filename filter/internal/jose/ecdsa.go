package jose

import (
	"crypto/subtle"

	"filippo.io/bigmod"
	"filippo.io/nistec"

	"github.com/sallyport-gateway/sallyport/filter/internal/sha256"
)

// order is the number of points of P-256 (SP 800-186 section 3.2.1.3), and
// orderMinusTwo the power that inverts modulo it.
var (
	orderBytes    = []byte("\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51")
	orderMinusTwo = []byte("\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x4f")
)

// newNat and newPoint are not inlined: each copy would cost the guest 200 bytes.
//
//go:noinline
func newNat() *bigmod.Nat { return bigmod.NewNat() }

//go:noinline
func newPoint() *nistec.P256Point { return nistec.NewP256Point() }

//go:noinline
func order() *bigmod.Modulus {
	n, err := bigmod.NewModulus(orderBytes)
	if err != nil {
		panic("jose: the order of P-256") // cannot be: it is a constant
	}
	return n
}

// scalar reads a number from 1 to the order minus one.
func scalar(b []byte, n *bigmod.Modulus) (*bigmod.Nat, bool) {
	if len(b) != coordinateSize {
		return nil, false
	}
	x, err := newNat().SetBytes(b, n)
	return x, err == nil && x.IsZero() == 0
}

// hashScalar is the hash of a text modulo the order. The hash is as long as the
// order, so none of it is cut off.
func hashScalar(sum []byte, n *bigmod.Modulus) *bigmod.Nat {
	e, err := newNat().SetOverflowingBytes(sum, n)
	if err != nil {
		panic("jose: a hash longer than the order of P-256") // cannot be: 32 bytes both
	}
	return e
}

// verifyECDSA checks a signature r || s (RFC 7518 section 3.4; the algorithm is
// FIPS 186-5 section 6.4.2).
func verifyECDSA(point []byte, text string, signature []byte) bool {
	if len(signature) != 2*coordinateSize {
		return false
	}
	n := order()
	r, ok := scalar(signature[:coordinateSize], n)
	s, ok2 := scalar(signature[coordinateSize:], n)
	q, err := newPoint().SetBytes(point)
	if !ok || !ok2 || err != nil {
		return false
	}
	sum := sha256.Sum256([]byte(text))
	inverse := newNat().Exp(s, orderMinusTwo, n)
	u1 := hashScalar(sum[:], n).Mul(inverse, n)
	u2 := inverse.Mul(r, n)
	x, err := combine(u1.Bytes(n), u2.Bytes(n), q).BytesX() // an error at infinity
	if err != nil {
		return false
	}
	return subtle.ConstantTimeCompare(hashScalar(x, n).Bytes(n), signature[:coordinateSize]) == 1
}

// combine is u1 times the generator plus u2 times q, in a time that depends on
// the numbers: those of a verification are public. Both products share their
// doublings (Straus), with signed digits, so it costs no more than the product of
// q alone and that of the generator with nistec's table, which costs four times
// as much on first use.
func combine(u1, u2 []byte, q *nistec.P256Point) *nistec.P256Point {
	var digits [2][scalarBits + 1]int8
	signedDigits(&digits[0], u1)
	signedDigits(&digits[1], u2)
	odd := [2][1 << (window - 2)]*nistec.P256Point{{newPoint().SetGenerator()}, {q}} // 1, 3, 5, ... times the point
	for t := range odd {
		twice := newPoint().Double(odd[t][0])
		for i := 1; i < len(odd[t]); i++ {
			odd[t][i] = newPoint().Add(odd[t][i-1], twice)
		}
	}
	sum, negated := newPoint(), newPoint()
	for i := scalarBits; i >= 0; i-- {
		sum.Double(sum)
		for t := range odd {
			if d := digits[t][i]; d > 0 {
				sum.Add(sum, odd[t][d/2])
			} else if d < 0 {
				sum.Add(sum, negated.Negate(odd[t][-d/2]))
			}
		}
	}
	return sum
}

const (
	scalarBits = 8 * coordinateSize
	window     = 5 // bits
)

// signedDigits writes a number, big endian, as a sum of digit times 2^place. A
// digit is 0 or odd, below 2^(window-1) either way, and at least window-1 zeros
// follow one that is not 0 (the width-w non-adjacent form).
//
//go:noinline
func signedDigits(digits *[scalarBits + 1]int8, scalar []byte) {
	carry := 0
	for i := 0; i <= scalarBits; {
		if bitOf(scalar, i) == carry {
			i++
			continue
		}
		d := carry
		for j := range window {
			d += bitOf(scalar, i+j) << j
		}
		if carry = d >> (window - 1); carry == 1 {
			d -= 1 << window
		}
		digits[i] = int8(d)
		i += window
	}
}

//go:noinline
func bitOf(scalar []byte, i int) int {
	if i >= scalarBits {
		return 0
	}
	return int(scalar[len(scalar)-1-i/8] >> (i % 8) & 1)
}

// ecPoint is the public point of a private scalar, uncompressed.
func ecPoint(d []byte) ([]byte, bool) {
	if _, ok := scalar(d, order()); !ok {
		return nil, false
	}
	p, err := newPoint().ScalarBaseMult(d)
	if err != nil {
		return nil, false
	}
	return p.Bytes(), true
}

// signECDSA makes a signature r || s (FIPS 186-5 section 6.4.1) with the nonces
// of RFC 6979, in a time that does not depend on the key: a nonce needs no
// random numbers, which a guest can only take from its host on trust.
func signECDSA(d []byte, text string) ([]byte, bool) {
	n := order()
	private, ok := scalar(d, n)
	if !ok {
		return nil, false
	}
	sum := sha256.Sum256([]byte(text))
	e := hashScalar(sum[:], n)
	next := nonces(d, e.Bytes(n))
	const tries = 8 // one in 2^32 draws falls outside; eight in a row is a fault
	for range tries {
		kBytes := next()
		k, ok := scalar(kBytes, n)
		if !ok {
			continue
		}
		p, err := newPoint().ScalarBaseMult(kBytes)
		if err != nil {
			return nil, false
		}
		x, err := p.BytesX()
		if err != nil {
			return nil, false
		}
		r := hashScalar(x, n)
		s := hashScalar(x, n).Mul(private, n).Add(e, n)
		s.Mul(newNat().Exp(k, orderMinusTwo, n), n)
		if r.IsZero() == 1 || s.IsZero() == 1 {
			continue
		}
		return append(r.Bytes(n), s.Bytes(n)...), true
	}
	return nil, false
}

package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"math/big"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"
	"pgregory.net/rapid"
)

func TestVerifyWhatOthersSigned(t *testing.T) {
	hosts := map[string]Host{
		"by itself":           nil,
		"by the host":         hostOf(t),
		"host without crypto": func(string, []byte) ([]byte, bool) { return nil, false },
	}
	keys := []struct {
		name string
		alg  gojose.SignatureAlgorithm
		key  crypto.Signer
	}{
		{"RSA 2048", gojose.RS256, rsa2048()},
		{"RSA 3072", gojose.RS256, rsa3072()},
		{"P-256", gojose.ES256, p256()},
	}
	for name, host := range hosts {
		for _, tt := range keys {
			t.Run(name+", "+tt.name, func(t *testing.T) {
				token := signedBy(t, tt.alg, tt.key, map[gojose.HeaderKey]any{"kid": "k1", "typ": "at+jwt"}, `{"sub":"x"}`)
				m, err := Parse(token)
				if err != nil {
					t.Fatal(err)
				}
				if string(m.Payload) != `{"sub":"x"}` || m.Header.KeyID != "k1" || !m.Header.Is("AT+JWT") {
					t.Errorf("read %q, %+v", m.Payload, m.Header)
				}
				key := publicOf(t, tt.key)
				if !key.Verify(m, host) {
					t.Fatal("a good signature is refused")
				}
				for i := range m.Signature {
					m.Signature[i] ^= 1
					if key.Verify(m, host) {
						t.Fatalf("accepted with byte %d of the signature changed", i)
					}
					m.Signature[i] ^= 1
				}
				m.SigningInput += "A"
				if key.Verify(m, host) {
					t.Error("accepted with another text")
				}
			})
		}
	}
}

func TestAlgorithmsAreNotConfused(t *testing.T) {
	m, err := Parse(signedBy(t, gojose.ES256, p256(), nil, "{}"))
	if err != nil {
		t.Fatal(err)
	}
	never := func(string, []byte) ([]byte, bool) {
		t.Error("the host was asked")
		return []byte("\x08\x01"), true
	}
	if publicOf(t, rsa2048()).Verify(m, never) {
		t.Error("an RSA key took a token that says ES256")
	}
	if (&PublicKey{}).Verify(m, never) || (&PublicKey{}).Verify(&Message{}, never) {
		t.Error("no key took a token")
	}
	m.Header.Algorithm = NoAlgorithm
	if publicOf(t, p256()).Verify(m, never) {
		t.Error("a key took a token without an algorithm")
	}
}

func TestOnlyAPlainYesOfTheHostIsAYes(t *testing.T) {
	m, err := Parse(signedBy(t, gojose.RS256, rsa2048(), nil, "{}"))
	if err != nil {
		t.Fatal(err)
	}
	key := publicOf(t, rsa2048())
	for _, result := range []string{"", "\x08", "\x08\x00", "\x08\x02", "\x08\x01\x12\x00", "\x12\x05error", "\x08\x01\x08\x01"} {
		if key.Verify(m, func(string, []byte) ([]byte, bool) { return []byte(result), true }) {
			t.Errorf("the result %q passed", result)
		}
	}
}

// raw is what the private key makes of any block: an attacker cannot do that,
// but with a public exponent of 3 could do as much, and a checker that looks at
// parts of the block would not see the difference.
func raw(k *rsa.PrivateKey, block []byte) []byte {
	return new(big.Int).Exp(new(big.Int).SetBytes(block), k.D, k.N).FillBytes(make([]byte, k.Size()))
}

func TestRSAForgeries(t *testing.T) {
	k := rsa2048()
	size := k.Size()
	const text = "text"
	sum := sha256.Sum256([]byte(text))
	block := func(head string, fill int, tail string) []byte {
		b := []byte(head)
		for range fill {
			b = append(b, 0xff)
		}
		b = append(b, tail...)
		return append(b, make([]byte, size-len(b))...)
	}
	info := digestInfo + string(sum[:])
	whole := size - 3 - len(info)
	withoutNull := "\x30\x2f\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x04\x20" + string(sum[:])
	sha1Info := "\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14" + string(sum[:20])
	signature := raw(k, block("\x00\x01", whole, "\x00"+info))
	if !verifyRSA(k.N.Bytes(), text, signature) {
		t.Fatal("the right block is refused, so this test shows nothing")
	}
	plusN := new(big.Int).Add(new(big.Int).SetBytes(signature), k.N)
	forged := map[string][]byte{
		"Bleichenbacher 2006: short padding, garbage behind": raw(k, block("\x00\x01", 8, "\x00"+info+"garbage")),
		"garbage of zeros behind":                            raw(k, block("\x00\x01", whole-1, "\x00"+info)),
		"block type 2":                                       raw(k, block("\x00\x02", whole, "\x00"+info)),
		"block type 0":                                       raw(k, block("\x00\x00", whole, "\x00"+info)),
		"first byte not zero":                                raw(k, block("\x01\x01", whole, "\x00"+info)),
		"no separator":                                       raw(k, block("\x00\x01", whole+1, info)),
		"a byte of the padding wrong":                        raw(k, block("\x00\x01\xfe", whole-1, "\x00"+info)),
		"hash without its DigestInfo":                        raw(k, block("\x00\x01", size-3-len(sum), "\x00"+string(sum[:]))),
		"DigestInfo without NULL":                            raw(k, block("\x00\x01", size-3-len(withoutNull), "\x00"+withoutNull)),
		"SHA-1":                                              raw(k, block("\x00\x01", size-3-len(sha1Info), "\x00"+sha1Info)),
		"zero":                                               make([]byte, size),
		"one":                                                append(make([]byte, size-1), 1),
		"the modulus less one":                               new(big.Int).Sub(k.N, big.NewInt(1)).FillBytes(make([]byte, size)),
		"the modulus":                                        k.N.FillBytes(make([]byte, size)),
		"one byte short":                                     signature[:size-1],
		"one byte long":                                      append([]byte{0}, signature...),
		"empty":                                              nil,
		"plus the modulus":                                   plusN.Bytes(),
	}
	for name, s := range forged {
		t.Run(name, func(t *testing.T) {
			if verifyRSA(k.N.Bytes(), text, s) {
				t.Error("accepted")
			}
			if rsa.VerifyPKCS1v15(&k.PublicKey, crypto.SHA256, sum[:], s) == nil {
				t.Error("the standard library accepts it: the case is wrong")
			}
		})
	}
}

func TestECDSAForgeries(t *testing.T) {
	k := p256()
	key := publicOf(t, k)
	n := k.Params().N
	const text = "text"
	signature, ok := signECDSA(must(k.Bytes()), text)
	if !ok || !verifyECDSA(key.point, text, signature) {
		t.Fatal("a good signature is refused, so this test shows nothing")
	}
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	half := func(x *big.Int) []byte {
		return new(big.Int).Mod(x, new(big.Int).Lsh(big.NewInt(1), 256)).FillBytes(make([]byte, 32))
	}
	pair := func(r, s *big.Int) []byte { return append(half(r), half(s)...) }
	zero, one := new(big.Int), big.NewInt(1)
	// The sum of both points is infinity when r = -e/d, whatever s is.
	sum := sha256.Sum256([]byte(text))
	infinity := new(big.Int).Mul(new(big.Int).Neg(new(big.Int).SetBytes(sum[:])), new(big.Int).ModInverse(new(big.Int).SetBytes(must(k.Bytes())), n))
	infinity.Mod(infinity, n)
	asn, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
	if err != nil {
		t.Fatal(err)
	}
	forged := map[string][]byte{
		"r = s = 0":       pair(zero, zero),
		"r = 0":           pair(zero, s),
		"s = 0":           pair(r, zero),
		"r = s = 1":       pair(one, one),
		"r = n":           pair(n, s),
		"s = n":           pair(r, n),
		"r = s = n":       pair(n, n),
		"r = n - 1":       pair(new(big.Int).Sub(n, one), s),
		"s + n":           pair(r, new(big.Int).Add(s, n)),
		"all ones":        pair(new(big.Int).Sub(zero, one), new(big.Int).Sub(zero, one)),
		"swapped":         pair(s, r),
		"sum is infinity": pair(infinity, s),
		"DER":             asn,
		"one byte short":  signature[:63],
		"one byte long":   append(signature[:64:64], 0),
		"empty":           nil,
	}
	for name, sig := range forged {
		t.Run(name, func(t *testing.T) {
			if verifyECDSA(key.point, text, sig) {
				t.Error("accepted")
			}
			m := &Message{Header: Header{Algorithm: ES256}, SigningInput: text, Signature: sig}
			if key.Verify(m, hostOf(t)) {
				t.Error("accepted by way of the host")
			}
		})
	}
	if verifyECDSA(publicOf(t, p256b()).point, text, signature) {
		t.Error("another key took the signature")
	}
}

// TestECDSAAgreesWithStandardLibrary draws signatures near the edges: what one
// takes the other takes.
func TestECDSAAgreesWithStandardLibrary(t *testing.T) {
	k := p256()
	point := publicOf(t, k).point
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		signature, ok := signECDSA(must(k.Bytes()), text)
		if !ok {
			t.Fatal("not signed")
		}
		if rapid.Bool().Draw(t, "negate s") {
			s := new(big.Int).Sub(k.Params().N, new(big.Int).SetBytes(signature[32:]))
			s.FillBytes(signature[32:])
		}
		if rapid.Bool().Draw(t, "break") {
			i := rapid.IntRange(0, 63).Draw(t, "byte")
			signature[i] ^= byte(rapid.IntRange(0, 255).Draw(t, "by"))
		}
		sum := sha256.Sum256([]byte(text))
		want := ecdsa.Verify(&k.PublicKey, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
		if got := verifyECDSA(point, text, signature); got != want {
			t.Errorf("%v, standard library %v", got, want)
		}
	})
}

func TestRSAAgreesWithStandardLibrary(t *testing.T) {
	k := rsa2048()
	private := privateOf(t, k)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		sum := sha256.Sum256([]byte(text))
		signature, ok := private.sign(text)
		want, err := rsa.SignPKCS1v15(nil, k, crypto.SHA256, sum[:])
		if !ok || err != nil || string(want) != string(signature) {
			t.Fatal("signatures differ") // PKCS #1 v1.5 has one for each text
		}
		i := rapid.IntRange(0, len(signature)-1).Draw(t, "byte")
		signature[i] ^= byte(rapid.IntRange(0, 255).Draw(t, "by"))
		good := rsa.VerifyPKCS1v15(&k.PublicKey, crypto.SHA256, sum[:], signature) == nil
		if got := verifyRSA(k.N.Bytes(), text, signature); got != good {
			t.Errorf("%v, standard library %v", got, good)
		}
	})
}

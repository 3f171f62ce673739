package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"
)

func TestSignForOthers(t *testing.T) {
	broken := func(string, []byte) ([]byte, bool) { return []byte("\x1a\x03bad"), true }
	for name, host := range map[string]Host{"by itself": nil, "by the host": hostOf(t), "a host that fails": broken} {
		for _, key := range []crypto.Signer{rsa2048(), rsa3072(), p256()} {
			k := privateOf(t, key)
			t.Run(name+", "+k.Algorithm().String(), func(t *testing.T) {
				token, err := k.Sign(`id "1"`, "JWT", []byte(`{"iss":"me"}`), host)
				if err != nil {
					t.Fatal(err)
				}
				jws, err := gojose.ParseSignedCompact(token, []gojose.SignatureAlgorithm{gojose.SignatureAlgorithm(k.Algorithm().String())})
				if err != nil {
					t.Fatal(err)
				}
				payload, err := jws.Verify(key.Public())
				if err != nil || string(payload) != `{"iss":"me"}` {
					t.Errorf("%v, payload %q", err, payload)
				}
				h := jws.Signatures[0].Protected
				if h.KeyID != `id "1"` || h.ExtraHeaders["typ"] != "JWT" {
					t.Errorf("header %+v", h)
				}
				m, err := Parse(token)
				if err != nil || !k.Public().Verify(m, nil) {
					t.Errorf("does not read its own token: %v", err)
				}
			})
		}
	}
}

// TestNoncesAreThoseOfRFC6979 takes its appendix A.2.5, P-256 with SHA-256.
func TestNoncesAreThoseOfRFC6979(t *testing.T) {
	d, _ := hex.DecodeString("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721")
	for text, want := range map[string]string{
		"sample": "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
		"test":   "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
	} {
		if got, ok := signECDSA(d, text); !ok || hex.EncodeToString(got) != want {
			t.Errorf("%q: %x", text, got)
		}
	}
}

func encodePEM(label string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestParsePrivateKey(t *testing.T) {
	rsaPKCS8 := must(x509.MarshalPKCS8PrivateKey(rsa2048()))
	ecPKCS8 := must(x509.MarshalPKCS8PrivateKey(p256()))
	sec1 := must(x509.MarshalECPrivateKey(p256()))
	for name, text := range map[string]string{
		"RSA, PKCS #8":           encodePEM("PRIVATE KEY", rsaPKCS8),
		"RSA, PKCS #1":           encodePEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsa2048())),
		"RSA, JWK":               string(jwkOf(t, rsa2048(), "k1")),
		"RSA, line ends lost":    strings.ReplaceAll(encodePEM("PRIVATE KEY", rsaPKCS8), "\n", " "),
		"RSA, line ends of DOS":  strings.ReplaceAll(encodePEM("PRIVATE KEY", rsaPKCS8), "\n", "\r\n"),
		"RSA, PKCS #8, 3072 bit": encodePEM("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(rsa3072()))),
		"EC, PKCS #8":            encodePEM("PRIVATE KEY", ecPKCS8),
		"EC, SEC 1":              encodePEM("EC PRIVATE KEY", sec1),
		"EC, JWK":                string(jwkOf(t, p256(), "k1")),
	} {
		t.Run(name, func(t *testing.T) {
			k, err := ParsePrivateKey(text)
			if err != nil {
				t.Fatal(err)
			}
			if shown := fmt.Sprintf("%v %+v %#v %s", k, k, k, k); strings.Trim(shown, "[redact] ") != "" {
				t.Errorf("prints %q", shown)
			}
			again, err := x509.ParsePKCS8PrivateKey(k.pkcs8)
			if err != nil {
				t.Fatalf("the host could not read it: %v", err)
			}
			spki := must(x509.MarshalPKIXPublicKey(again.(crypto.Signer).Public()))
			if string(spki) != string(k.public.spki) {
				t.Error("SubjectPublicKeyInfo differs from crypto/x509's")
			}
		})
	}
}

func TestPrivateKeysThatAreRefused(t *testing.T) {
	pkcs8 := must(x509.MarshalPKCS8PrivateKey(rsa2048()))
	pkcs1 := x509.MarshalPKCS1PrivateKey(rsa2048())
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	other := newRSA(2048)
	for name, text := range map[string]string{
		"nothing":                    "",
		"a public key":               encodePEM("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(rsa2048().Public()))),
		"a certificate's label":      encodePEM("CERTIFICATE", pkcs8),
		"PKCS #1 labelled as PKCS 8": encodePEM("PRIVATE KEY", pkcs1),
		"PKCS #8 labelled as PKCS 1": encodePEM("RSA PRIVATE KEY", pkcs8),
		"encrypted":                  encodePEM("ENCRYPTED PRIVATE KEY", pkcs8),
		"two keys":                   encodePEM("PRIVATE KEY", pkcs8) + encodePEM("PRIVATE KEY", pkcs8),
		"no end":                     strings.TrimSuffix(encodePEM("PRIVATE KEY", pkcs8), "-----END PRIVATE KEY-----\n"),
		"cut short":                  encodePEM("PRIVATE KEY", pkcs8[:len(pkcs8)-1]),
		"a byte too many":            encodePEM("PRIVATE KEY", append(pkcs8[:len(pkcs8):len(pkcs8)], 0)),
		"RSA of 1024 bits":           encodePEM("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(small))),
		"P-384":                      encodePEM("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(newEC(elliptic.P384())))),
		"P-384, SEC 1":               encodePEM("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(newEC(elliptic.P384())))),
		"Ed25519":                    encodePEM("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(ed))),
		"too long":                   strings.Repeat(" ", maxKeyText) + encodePEM("PRIVATE KEY", pkcs8),
		"JWK, public":                changed(t, rsa2048().Public(), nil),
		"JWK, for encryption":        changed(t, rsa2048(), map[string]any{"use": "enc"}),
		"JWK, another's prime":       changed(t, rsa2048(), map[string]any{"p": Encode(other.Primes[0].Bytes())}),
		"JWK, another's modulus":     changed(t, rsa2048(), map[string]any{"n": Encode(other.N.Bytes())}),
		"JWK, another's d":           changed(t, rsa2048(), map[string]any{"d": Encode(other.D.Bytes())}),
		"JWK, no primes":             changed(t, rsa2048(), map[string]any{"p": nil, "q": nil}),
		"JWK, another exponent":      changed(t, rsa2048(), map[string]any{"e": "Aw"}),
		"JWK, another's point":       changed(t, p256(), map[string]any{"x": Encode(p256b().X.FillBytes(make([]byte, 32))), "y": Encode(p256b().Y.FillBytes(make([]byte, 32)))}),
		"JWK, scalar zero":           changed(t, p256(), map[string]any{"d": Encode(make([]byte, 32))}),
		"JWK, scalar is the order":   changed(t, p256(), map[string]any{"d": Encode(elliptic.P256().Params().N.Bytes())}),
		"JWK, a member twice":        strings.Replace(changed(t, p256(), nil), "{", `{"kty":"EC",`, 1),
		"JWK, symmetric":             `{"kty":"oct","k":"c2VjcmV0"}`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ParsePrivateKey(text); !errors.Is(err, ErrKey) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestAFaultyComputationIsNotGivenOut: a signature that is right modulo one
// prime only gives away the factors.
func TestAFaultyComputationIsNotGivenOut(t *testing.T) {
	k := privateOf(t, rsa2048())
	damaged := *k.rsa
	damaged.dP = append([]byte(nil), k.rsa.dP...)
	damaged.dP[10] ^= 1
	k.rsa = &damaged
	if token, err := k.Sign("", "", []byte("{}"), nil); err == nil {
		t.Errorf("gave out %q", token)
	}
}

func FuzzPrivateKey(f *testing.F) {
	f.Add(encodePEM("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(p256()))))
	f.Add(encodePEM("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(rsa2048()))))
	f.Add(encodePEM("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(p256()))))
	f.Add(string(jwkOf(f, p256(), "k1")))
	f.Add(string(jwkOf(f, rsa2048(), "k1")))
	f.Fuzz(func(t *testing.T, text string) {
		k, err := ParsePrivateKey(text)
		if err != nil {
			return
		}
		key, err := x509.ParsePKCS8PrivateKey(k.pkcs8)
		if err != nil {
			t.Fatalf("read what the standard library does not: %v", err)
		}
		switch key.(type) {
		case *rsa.PrivateKey, *ecdsa.PrivateKey:
		default:
			t.Fatalf("a %T", key)
		}
	})
}

package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"sync"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/sallyport-gateway/sallyport/filter/internal/jose/josetest"
)

// Keys of the standard library, made once a run: nothing here depends on which.
var (
	rsa2048 = sync.OnceValue(func() *rsa.PrivateKey { return newRSA(2048) })
	rsa3072 = sync.OnceValue(func() *rsa.PrivateKey { return newRSA(3072) })
	p256    = sync.OnceValue(func() *ecdsa.PrivateKey { return newEC(elliptic.P256()) })
	p256b   = sync.OnceValue(func() *ecdsa.PrivateKey { return newEC(elliptic.P256()) })
)

func newRSA(bits int) *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return k
}

func newEC(c elliptic.Curve) *ecdsa.PrivateKey {
	k, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		panic(err)
	}
	return k
}

// jwkOf is a key as another library writes it.
func jwkOf(t testing.TB, key any, id string) []byte {
	t.Helper()
	text, err := json.Marshal(gojose.JSONWebKey{Key: key, KeyID: id, Use: "sig"})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func publicOf(t testing.TB, key crypto.Signer) *PublicKey {
	t.Helper()
	k, err := ParsePublicKey(jwkOf(t, key.Public(), "k1"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func privateOf(t testing.TB, key crypto.Signer) *PrivateKey {
	t.Helper()
	k, err := ParsePrivateKey(string(jwkOf(t, key, "k1")))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// signedBy is a token as another library signs it.
func signedBy(t testing.TB, alg gojose.SignatureAlgorithm, key any, header map[gojose.HeaderKey]any, payload string) string {
	t.Helper()
	return josetest.Sign(t, gojose.SigningKey{Algorithm: alg, Key: key}, &gojose.SignerOptions{ExtraHeaders: header}, []byte(payload))
}

// hostOf is a host that checks and signs with the standard library.
func hostOf(t testing.TB) Host {
	return func(function string, argument []byte) ([]byte, bool) {
		f := fields(t, argument)
		if string(f[1]) != "sha256" {
			t.Fatalf("hash %q", f[1])
		}
		if function == "verify_signature" {
			key, err := x509.ParsePKIXPublicKey(f[2])
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(f[4])
			if good(key, sum[:], f[3]) {
				return []byte("\x08\x01"), true
			}
			return []byte("\x12\x03bad"), true
		}
		key, err := x509.ParsePKCS8PrivateKey(f[2])
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(f[3])
		signature, err := key.(crypto.Signer).Sign(rand.Reader, sum[:], crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		return appendField([]byte("\x08\x01"), 2, string(signature)), true
	}
}

func good(key any, sum, signature []byte) bool {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(k, crypto.SHA256, sum, signature) == nil
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(k, sum, signature)
	}
	return false
}

// fields reads a protobuf message of length-delimited fields.
func fields(t testing.TB, b []byte) map[byte][]byte {
	t.Helper()
	f := map[byte][]byte{}
	for len(b) > 0 {
		tag := b[0]
		size, n, shift := 0, 1, 0
		for ; ; n++ {
			size |= int(b[n]&0x7f) << shift
			shift += 7
			if b[n] < 0x80 {
				break
			}
		}
		if tag&7 != 2 {
			t.Fatalf("field with tag %#x", tag)
		}
		f[tag>>3] = b[n+1 : n+1+size]
		b = b[n+1+size:]
	}
	return f
}

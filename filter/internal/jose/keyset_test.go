package jose

import (
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"
)

// The example of RFC 7638 section 3.1.
const rfc7638Key = `{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`

func TestThumbprint(t *testing.T) {
	k, err := ParsePublicKey([]byte(rfc7638Key))
	if err != nil {
		t.Fatal(err)
	}
	if got := k.Thumbprint(); got != "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs" {
		t.Errorf("thumbprint %s", got)
	}
	want := must((&gojose.JSONWebKey{Key: p256().Public()}).Thumbprint(5)) // crypto.SHA256
	if got := publicOf(t, p256()).Thumbprint(); got != Encode(want) {
		t.Errorf("thumbprint %s, another library %s", got, Encode(want))
	}
	if (&PublicKey{}).Thumbprint() != "" {
		t.Error("no key has a thumbprint")
	}
}

func TestSubjectPublicKeyInfoIsThatOfX509(t *testing.T) {
	for _, key := range []any{rsa2048().Public(), rsa3072().Public(), p256().Public()} {
		k, err := ParsePublicKey(jwkOf(t, key, ""))
		if err != nil {
			t.Fatal(err)
		}
		if want := must(x509.MarshalPKIXPublicKey(key)); string(want) != string(k.spki) {
			t.Errorf("%T: %x, want %x", key, k.spki, want)
		}
	}
}

// changed is a JWK with members replaced, or dropped when nil.
func changed(t *testing.T, key any, change map[string]any) string {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(jwkOf(t, key, "k1"), &m); err != nil {
		t.Fatal(err)
	}
	for name, v := range change {
		if m[name] = v; v == nil {
			delete(m, name)
		}
	}
	return string(must(json.Marshal(m)))
}

func TestPublicKeysThatAreRefused(t *testing.T) {
	n := rsa2048().N.Bytes()
	rsaKey := func(change map[string]any) string { return changed(t, rsa2048().Public(), change) }
	ecKey := func(change map[string]any) string { return changed(t, p256().Public(), change) }
	even := append([]byte(nil), n...)
	even[len(even)-1] &^= 1
	big := append([]byte{1}, make([]byte, 512)...) // 4097 bits
	big[len(big)-1] = 1
	for name, text := range map[string]string{
		"no JSON":                   `{`,
		"a list":                    `[]`,
		"no kty":                    rsaKey(map[string]any{"kty": nil}),
		"kty in lower case":         rsaKey(map[string]any{"kty": "rsa"}),
		"symmetric":                 `{"kty":"oct","k":"AAAA","alg":"HS256"}`,
		"RSA said to be symmetric":  rsaKey(map[string]any{"alg": "HS256"}),
		"RSA said to be for ES256":  rsaKey(map[string]any{"alg": "ES256"}),
		"EC said to be for RS256":   ecKey(map[string]any{"alg": "RS256"}),
		"RSA said to be for PS256":  rsaKey(map[string]any{"alg": "PS256"}),
		"for encryption":            rsaKey(map[string]any{"use": "enc"}),
		"use is a list":             rsaKey(map[string]any{"use": []string{"sig"}}),
		"operations without verify": rsaKey(map[string]any{"key_ops": []string{"encrypt"}}),
		"no operations":             rsaKey(map[string]any{"key_ops": []string{}}),
		"operations in a word":      rsaKey(map[string]any{"key_ops": "verify"}),
		"a private key":             string(jwkOf(t, rsa2048(), "")),
		"no exponent":               rsaKey(map[string]any{"e": nil}),
		"exponent 3":                rsaKey(map[string]any{"e": "Aw"}),
		"exponent 1":                rsaKey(map[string]any{"e": "AQ"}),
		"exponent with a zero":      rsaKey(map[string]any{"e": "AAEAAQ"}),
		"no modulus":                rsaKey(map[string]any{"n": nil}),
		"modulus with padding":      rsaKey(map[string]any{"n": Encode(n) + "=="}),
		"modulus with a zero":       rsaKey(map[string]any{"n": Encode(append([]byte{0}, n...))}),
		"modulus of 2040 bits":      rsaKey(map[string]any{"n": Encode(n[1:])}),
		"modulus of 4097 bits":      rsaKey(map[string]any{"n": Encode(big)}),
		"even modulus":              rsaKey(map[string]any{"n": Encode(even)}),
		"P-384":                     changed(t, newEC(elliptic.P384()).Public(), nil),
		"P-384 said to be P-256":    changed(t, newEC(elliptic.P384()).Public(), map[string]any{"crv": "P-256"}),
		"off the curve":             ecKey(map[string]any{"x": Encode(make([]byte, 32))}),
		"the point zero":            ecKey(map[string]any{"x": Encode(make([]byte, 32)), "y": Encode(make([]byte, 32))}),
		"a short coordinate":        ecKey(map[string]any{"y": Encode(p256().Y.FillBytes(make([]byte, 32))[:31])}),
		"a member twice":            strings.Replace(rsaKey(nil), "{", `{"kty":"RSA",`, 1),
		"kid too long":              rsaKey(map[string]any{"kid": strings.Repeat("k", maxNameBytes+1)}),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ParsePublicKey([]byte(text)); !errors.Is(err, ErrKey) {
				t.Errorf("got %v", err)
			}
		})
	}
	for name, text := range map[string]string{
		"verify among the operations": rsaKey(map[string]any{"key_ops": []string{"wrapKey", "verify"}, "use": nil}),
		"no use":                      rsaKey(map[string]any{"use": nil}),
		"said to be for RS256":        rsaKey(map[string]any{"alg": "RS256"}),
		"members that nobody knows":   ecKey(map[string]any{"x5c": []string{"MII"}, "status": "ACTIVE", "_links": map[string]any{}}),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ParsePublicKey([]byte(text)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestKeySet(t *testing.T) {
	key := func(k any, id string) string { return string(jwkOf(t, k, id)) }
	a, b, ec := key(rsa2048().Public(), "a"), key(rsa3072().Public(), "b"), key(p256().Public(), "a")
	set := func(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }
	tests := []struct {
		name   string
		set    string
		header Header
		want   any // the key, nil for none
	}{
		{"by its id", set(a, b), Header{Algorithm: RS256, KeyID: "b"}, rsa3072().Public()},
		{"unknown id", set(a, b), Header{Algorithm: RS256, KeyID: "c"}, nil},
		{"one id for two algorithms", set(a, ec), Header{Algorithm: RS256, KeyID: "a"}, rsa2048().Public()},
		{"id of a key of another algorithm", set(b, ec), Header{Algorithm: ES256, KeyID: "b"}, nil},
		{"one id twice", set(a, key(rsa3072().Public(), "a")), Header{Algorithm: RS256, KeyID: "a"}, nil},
		{"no id, one key", set(a, ec), Header{Algorithm: RS256}, rsa2048().Public()},
		{"no id, two keys", set(a, b), Header{Algorithm: RS256}, nil},
		{"among keys of no use", set(`{"kty":"oct","k":"AA"}`, `"x"`, `{}`, a), Header{Algorithm: RS256, KeyID: "a"}, rsa2048().Public()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := ParseKeySet([]byte(tt.set))
			if err != nil {
				t.Fatal(err)
			}
			k, ok := s.Find(&tt.header)
			if ok != (tt.want != nil) {
				t.Fatalf("found %v", ok)
			}
			if ok && string(k.modulus) != string(tt.want.(*rsa.PublicKey).N.Bytes()) {
				t.Error("another key")
			}
		})
	}
	if _, ok := (&KeySet{}).Find(&Header{Algorithm: RS256}); ok {
		t.Error("a key in no set")
	}
	many := strings.Repeat(`{},`, maxKeys) + a
	for name, text := range map[string]string{
		"no JSON": `{`, "a list": `[` + a + `]`, "no keys": `{}`, "keys is an object": `{"keys":` + a + `}`,
		"empty": set(), "none of use": set(`{"kty":"oct","k":"AA"}`), "keys twice": `{"keys":[],"keys":[` + a + `]}`,
		"too many": `{"keys":[` + many + `]}`, "a key itself": a,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ParseKeySet([]byte(text)); !errors.Is(err, ErrKeySet) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func FuzzKeySet(f *testing.F) {
	f.Add([]byte(`{"keys":[` + rfc7638Key + `]}`))
	f.Add([]byte(`{"keys":[` + string(jwkOf(f, p256().Public(), "k1")) + `]}`))
	f.Add([]byte(`{"keys":[{"kty":"oct","k":"AA"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := ParseKeySet(text)
		if err != nil {
			return
		}
		for _, k := range s.keys {
			if _, err := x509.ParsePKIXPublicKey(k.spki); err != nil {
				t.Fatalf("a key that crypto/x509 does not read: %v", err)
			}
		}
	})
}

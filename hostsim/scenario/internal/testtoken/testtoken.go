// Package testtoken makes the signed tokens and key sets that scenarios name: ${jwt:...} and ${jwks:...}.
package testtoken

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"embed"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// maxOffset bounds seconds from now: a century and a bit.
const maxOffset = 4_000_000_000

// keyFiles are the private keys that tokens of scenarios are signed with. They
// guard nothing: they are here for everybody to read.
//
//go:embed keys/*.pem
var keyFiles embed.FS

// testKey is the key of that name, such as rsa-1.
func testKey(name string) (crypto.Signer, error) {
	text, err := keyFiles.ReadFile("keys/" + name + ".pem")
	if err != nil {
		return nil, fmt.Errorf("no test key %.60q: write rsa-1, rsa-2 or ec-1", name)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read the test key %s: %w", name, err)
	}
	return key.(crypto.Signer), nil
}

// KeySet is a JWK Set of the named keys, separated by commas.
func KeySet(names string) (string, error) {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for name := range strings.SplitSeq(names, ",") {
		key, err := testKey(name)
		if err != nil {
			return "", err
		}
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: key.Public(), KeyID: name, Use: "sig"})
	}
	text, err := json.Marshal(set)
	return string(text), err
}

// JWT reads "KEY;name=value;...": a signed token. The names alg, kid, typ, crit,
// jwk and break are about the header and the signature, all others are claims.
func JWT(spec string, now time.Time) (string, error) {
	keyName, rest, _ := strings.Cut(spec, ";")
	key, err := testKey(keyName)
	if err != nil {
		return "", err
	}
	header := map[string]any{"alg": "RS256", "kid": keyName}
	if _, ok := key.(*ecdsa.PrivateKey); ok {
		header["alg"] = "ES256"
	}
	claims := map[string]any{}
	broken := false
	for rest != "" {
		var field string
		field, rest, _ = strings.Cut(rest, ";")
		name, value, ok := strings.Cut(field, "=")
		switch {
		case !ok || name == "":
			return "", fmt.Errorf("%.60q is not name=value", field)
		case name == "break":
			broken = true
		case name == "jwk":
			header[name] = jose.JSONWebKey{Key: key.Public()}
		case name == "kid" && value == "":
			delete(header, name)
		case name == "alg" || name == "kid" || name == "typ":
			header[name] = value
		case name == "crit":
			header[name] = strings.Split(value, " ")
		default:
			if err := setClaim(claims, name, value, now); err != nil {
				return "", err
			}
		}
	}
	return signJWT(key, header, claims, broken)
}

// setClaim sets a claim; "a.b" is b inside a. Digits are a number, "+5" and "-5"
// seconds from now, and scp and aud with blanks are lists.
func setClaim(claims map[string]any, name, value string, now time.Time) error {
	if outer, inner, ok := strings.Cut(name, "."); ok {
		object, _ := claims[outer].(map[string]any)
		if object == nil {
			object = map[string]any{}
		}
		claims[outer] = object
		return setClaim(object, inner, value, now)
	}
	n, err := strconv.ParseInt(value, 10, 64)
	switch {
	case err == nil && (value[0] == '+' || value[0] == '-'):
		if n > maxOffset || n < -maxOffset {
			return fmt.Errorf("%.60s=%.60s is beyond the calendar", name, value)
		}
		claims[name] = now.Unix() + n
	case err == nil:
		claims[name] = n
	case name == "scp" || name == "aud" && strings.Contains(value, " "):
		claims[name] = strings.Fields(value)
	default:
		claims[name] = value
	}
	return nil
}

// signJWT signs with the key, whatever the header says: alg=none leaves the
// signature out, and alg=HS256 takes the public key for a secret, as a confused
// verifier would.
func signJWT(key crypto.Signer, header, claims map[string]any, broken bool) (string, error) {
	head, err := json.Marshal(header)
	body, err2 := json.Marshal(claims)
	if err := errors.Join(err, err2); err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	text := encode(head) + "." + encode(body)
	sum := sha256.Sum256([]byte(text))
	var signature []byte
	switch k := key.(type) {
	case *rsa.PrivateKey:
		signature, err = rsa.SignPKCS1v15(nil, k, crypto.SHA256, sum[:])
	case *ecdsa.PrivateKey:
		r, s, failure := ecdsa.Sign(rand.Reader, k, sum[:])
		if err = failure; err == nil {
			signature = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		}
	}
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	switch header["alg"] {
	case "none":
		signature = nil
	case "HS256":
		public, err := x509.MarshalPKIXPublicKey(key.Public())
		if err != nil {
			return "", err
		}
		mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))
		mac.Write([]byte(text))
		signature = mac.Sum(nil)
	}
	if broken {
		signature[len(signature)-1] ^= 1
	}
	return text + "." + encode(signature), nil
}

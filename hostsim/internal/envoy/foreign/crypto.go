package foreign

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" //nolint:gosec // G505: registers the hash; Envoy's verify_signature takes it, so does this host
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"strings"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wire"
)

// Fields of VerifySignatureArguments and SignArguments. Source: Envoy source/extensions/common/wasm/ext/*.proto.
const (
	fieldHash      = 1
	fieldKey       = 2 // DER: SubjectPublicKeyInfo, or PKCS #8
	verifySig      = 3
	verifyText     = 4
	verifyPEM      = 5
	signText       = 3
	signPEM        = 4
	resultOK       = 1
	verifyError    = 2
	signSignature  = 2
	signError      = 3
	maxPublicBits  = 16384 // BoringSSL's bounds on an RSA key
	minRSABits     = 512
	verifyFailed   = "Failed to verify digest. Error code: 0"
	verifyNoInit   = "Failed to initialize digest verify."
	signNoKey      = "Invalid key type: private key required for signing operation."
	signCorruptKey = "Invalid private key: key data is corrupted or malformed."
)

var hashes = map[string]crypto.Hash{
	"sha1": crypto.SHA1, "sha224": crypto.SHA224, "sha256": crypto.SHA256, "sha384": crypto.SHA384, "sha512": crypto.SHA512,
}

// cryptoFields reads the fields of either message. BadArgument: not a message.
func cryptoFields(argument []byte) (fields [verifyPEM + 1][]byte, status abi.Status) {
	parsed, ok := wire.ParseMessage(argument)
	if !ok {
		return fields, abi.StatusBadArgument
	}
	for _, f := range parsed {
		if f.Len && f.ID < uint64(len(fields)) {
			fields[f.ID] = f.Bytes
		}
	}
	return fields, abi.StatusOK
}

// cryptoArguments reads the fields of either message: field n is at n. BadArgument: not a message, or not exactly one
// of key and PEM key.
func cryptoArguments(argument []byte, pemField int) (fields [verifyPEM + 1][]byte, status abi.Status) {
	if fields, status = cryptoFields(argument); status != abi.StatusOK {
		return fields, status
	}
	if (len(fields[fieldKey]) > 0) == (len(fields[pemField]) > 0) {
		return fields, abi.StatusBadArgument
	}
	return fields, abi.StatusOK
}

// foreignVerifySignature checks RSA PKCS #1 v1.5 or ECDSA (ASN.1) by what the key is. The status is OK for a wrong
// signature too: the result is {1: true}, or {2: error}. BadArgument: the argument is not a message, or has no key or
// two. Before 1.37 there were no keys in PEM, and a missing key counted as a wrong one.
func foreignVerifySignature(c Call) ([]byte, abi.Status) {
	var a [verifyPEM + 1][]byte
	var status abi.Status
	if c.Context.Signs() {
		a, status = cryptoArguments(c.Argument, verifyPEM)
	} else {
		a, status = cryptoFields(c.Argument)
		a[verifyPEM] = nil
	}
	if status != abi.StatusOK {
		return nil, status
	}
	if text := verify(string(a[fieldHash]), derOrPEM(a[fieldKey], a[verifyPEM]), a[verifySig], a[verifyText]); text != "" {
		return wire.AppendBytesField(nil, verifyError, []byte(text)), abi.StatusOK
	}
	return wire.AppendVarintField(nil, resultOK, 1), abi.StatusOK
}

func derOrPEM(der, pemText []byte) []byte {
	if block, _ := pem.Decode(pemText); block != nil {
		return block.Bytes
	}
	return der
}

// verify returns Envoy's error text, empty for a good signature.
func verify(hashName string, key, signature, text []byte) string {
	hash, ok := hashes[strings.ToLower(hashName)]
	if !ok {
		return hashName + " is not supported."
	}
	h := hash.New()
	h.Write(text)
	switch k := parsePublicKey(key).(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < minRSABits || k.N.BitLen() > maxPublicBits {
			return verifyNoInit
		}
		if rsa.VerifyPKCS1v15(k, hash, h.Sum(nil), signature) != nil {
			return verifyFailed
		}
	case *ecdsa.PublicKey:
		if !ecdsa.VerifyASN1(k, h.Sum(nil), signature) {
			return verifyFailed
		}
	default:
		return verifyNoInit
	}
	return ""
}

// parsePublicKey takes the key at the front: like BoringSSL's EVP_parse_public_key it leaves what follows alone.
func parsePublicKey(der []byte) any {
	var first asn1.RawValue
	if _, err := asn1.Unmarshal(der, &first); err != nil {
		return nil
	}
	key, err := x509.ParsePKIXPublicKey(first.FullBytes)
	if err != nil {
		return nil
	}
	return key
}

// foreignSign signs as foreignVerifySignature verifies, with a PKCS #8 key; a PEM one may also be PKCS #1 or SEC 1. The
// result is {1: true, 2: signature}, or {3: error}. Envoy has it from 1.37 on.
func foreignSign(c Call) ([]byte, abi.Status) {
	a, status := cryptoArguments(c.Argument, signPEM)
	if status != abi.StatusOK {
		return nil, status
	}
	signature, text := sign(string(a[fieldHash]), parsePrivateKey(a[fieldKey], a[signPEM]), a[signText])
	if text != "" {
		return wire.AppendBytesField(nil, signError, []byte(text)), abi.StatusOK
	}
	return wire.AppendBytesField(wire.AppendVarintField(nil, resultOK, 1), signSignature, signature), abi.StatusOK
}

func parsePrivateKey(der, pemText []byte) any {
	block, _ := pem.Decode(pemText)
	if block != nil {
		der = block.Bytes
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err == nil {
		return key
	}
	if block == nil {
		return nil
	}
	if k, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return k
	}
	if k, err := x509.ParseECPrivateKey(der); err == nil {
		return k
	}
	return nil
}

// sign returns a signature, or Envoy's error text.
func sign(hashName string, key any, text []byte) (signature []byte, problem string) {
	hash, ok := hashes[strings.ToLower(hashName)]
	if !ok {
		return nil, hashName + " is not supported."
	}
	h := hash.New()
	h.Write(text)
	var err error
	switch k := key.(type) {
	case nil:
		return nil, signNoKey
	case *rsa.PrivateKey:
		signature, err = rsa.SignPKCS1v15(rand.Reader, k, hash, h.Sum(nil))
	case *ecdsa.PrivateKey:
		signature, err = ecdsa.SignASN1(rand.Reader, k, h.Sum(nil))
	default:
		return nil, signCorruptKey
	}
	if err != nil {
		return nil, signCorruptKey
	}
	return signature, ""
}

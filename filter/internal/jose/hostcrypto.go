package jose

import "encoding/binary"

// Envoy's foreign functions and the fields of their messages. Source: Envoy
// source/extensions/common/wasm/foreign.cc and ext/*.proto.
const (
	verifyFunction = "verify_signature"
	signFunction   = "sign"

	hashName = "sha256"

	fieldHash        = 1
	fieldKey         = 2 // DER: SubjectPublicKeyInfo, or PKCS #8
	fieldVerifySig   = 3
	fieldVerifyText  = 4
	fieldSignText    = 3
	fieldSignature   = 2 // of the result
	signatureIsValid = "\x08\x01"
)

// verify asks the host. Only the result tells a wrong signature from a valid
// one: the status is the same. What is not plainly valid is wrong.
func (h Host) verify(k *PublicKey, m *Message) (valid, known bool) {
	if h == nil {
		return false, false
	}
	signature := m.Signature
	if k.algorithm == ES256 {
		// The host expects the signature in the form of X9.62.
		if len(signature) != 2*coordinateSize {
			return false, true
		}
		signature = ecdsaToDER(signature)
	} else if len(signature) != len(k.modulus) {
		return false, true
	}
	argument := make([]byte, 0, len(k.spki)+len(signature)+len(m.SigningInput)+32)
	argument = appendField(argument, fieldHash, hashName)
	argument = appendField(argument, fieldKey, string(k.spki))
	argument = appendField(argument, fieldVerifySig, string(signature))
	argument = appendField(argument, fieldVerifyText, m.SigningInput)
	result, ok := h(verifyFunction, argument)
	return string(result) == signatureIsValid, ok
}

// sign asks the host for a signature in JOSE's form.
func (h Host) sign(k *PrivateKey, text string) ([]byte, bool) {
	if h == nil {
		return nil, false
	}
	argument := appendField(nil, fieldHash, hashName)
	argument = appendField(argument, fieldKey, string(k.pkcs8))
	argument = appendField(argument, fieldSignText, text)
	result, ok := h(signFunction, argument)
	if !ok {
		return nil, false
	}
	signature, ok := signatureIn(result)
	if !ok {
		return nil, false
	}
	if k.public.algorithm == ES256 {
		return ecdsaFromDER(signature)
	}
	return signature, len(signature) == len(k.public.modulus)
}

// signatureIn reads the result {1: true, 2: signature}.
func signatureIn(result []byte) ([]byte, bool) {
	const start = signatureIsValid + "\x12"
	if len(result) < len(start) || string(result[:len(start)]) != start {
		return nil, false
	}
	size, n := binary.Uvarint(result[len(start):])
	rest := result[len(start):]
	if n <= 0 || size != uint64(len(rest)-n) {
		return nil, false
	}
	return rest[n:], true
}

// appendField appends a length-delimited field of a protobuf message.
//
//go:noinline
func appendField(b []byte, field byte, value string) []byte {
	const lengthDelimited = 2
	b = append(b, field<<3|lengthDelimited)
	b = binary.AppendUvarint(b, uint64(len(value)))
	return append(b, value...)
}

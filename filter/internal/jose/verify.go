package jose

// Host is a host's own functions, by name: their argument and result are
// protobuf messages. ok is false when the host has no such function or refuses
// the argument.
type Host func(function string, argument []byte) (result []byte, ok bool)

// Verify reports whether the key made the message's signature. The key decides
// what is checked: a message that names another algorithm is not even tried (RFC
// 8725 section 2.1). The host checks when it can; a nil host never can.
func (k *PublicKey) Verify(m *Message, h Host) bool {
	if k.algorithm == NoAlgorithm || m.Header.Algorithm != k.algorithm {
		return false
	}
	if valid, known := h.verify(k, m); known {
		return valid
	}
	return k.verify(m.SigningInput, m.Signature)
}

// verify is Verify without a host.
func (k *PublicKey) verify(text string, signature []byte) bool {
	switch k.algorithm {
	case RS256:
		return verifyRSA(k.modulus, text, signature)
	case ES256:
		return verifyECDSA(k.point, text, signature)
	}
	return false
}

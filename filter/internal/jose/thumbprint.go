package jose

// Thumbprint is the key's SHA-256 thumbprint (RFC 7638 section 3) in base64url,
// as cnf.jkt has it (RFC 9449 section 6.1); "" for the zero key.
func (k *PublicKey) Thumbprint() string {
	var text string
	switch k.algorithm {
	case RS256:
		text = `{"e":"` + Encode([]byte(exponentBytes)) + `","kty":"RSA","n":"` + Encode(k.modulus) + `"}`
	case ES256:
		text = `{"crv":"P-256","kty":"EC","x":"` + Encode(k.point[1:1+coordinateSize]) + `","y":"` + Encode(k.point[1+coordinateSize:]) + `"}`
	default:
		return ""
	}
	return Digest(text)
}

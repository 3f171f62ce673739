package jose

import "github.com/sallyport-gateway/sallyport/filter/internal/jsonobject"

// Sign makes a token in compact serialization from a payload, which is JSON.
// keyID and typ go into its header when they are not empty. The host signs when
// it can, in a fifth of the time. A nil host never can.
func (k *PrivateKey) Sign(keyID, typ string, payload []byte, h Host) (string, error) {
	header := []byte(`{"alg":"` + k.Algorithm().String() + `"`)
	if typ != "" {
		header = jsonobject.AppendString(append(header, `,"typ":`...), typ)
	}
	if keyID != "" {
		header = jsonobject.AppendString(append(header, `,"kid":`...), keyID)
	}
	text := Encode(append(header, '}')) + "." + Encode(payload)
	signature, ok := h.sign(k, text)
	if !ok {
		if signature, ok = k.sign(text); !ok {
			return "", ErrSign
		}
	}
	return text + "." + Encode(signature), nil
}

// sign is Sign without a host and without a header.
func (k *PrivateKey) sign(text string) ([]byte, bool) {
	if k.rsa != nil {
		return k.rsa.sign(k.public.modulus, text)
	}
	return signECDSA(k.scalar, text)
}

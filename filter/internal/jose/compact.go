package jose

import (
	"errors"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/jsonobject"
)

// maxNameBytes bounds kid and typ.
const maxNameBytes = 256

// Message is a token that has been read, and not yet verified.
type Message struct {
	Header       Header
	Payload      []byte
	Signature    []byte
	SigningInput string // what the signature is over; shares the token's memory
}

// Header is what is read of a JOSE header (RFC 7515 section 4.1). Where a token
// says to find its key (jku, x5u, x5c) is not read: whoever may name the key
// may sign.
type Header struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	Algorithm Algorithm
	KeyID     string // "" when absent; untrusted, only for looking up
	Type      string // typ, "" when absent

	jwk jsonobject.Value
}

// EmbeddedKey is the public key in the header itself (jwk). It proves
// possession of a key, as DPoP requires (RFC 9449 section 4.2), and never
// identity.
func (h *Header) EmbeddedKey() (*PublicKey, error) { return publicKeyOf(h.jwk) }

// Is compares typ with a media type without "application/", as RFC 7515 section
// 4.1.9 recommends writing it.
func (h *Header) Is(mediaType string) bool {
	const prefix = "application/"
	typ := h.Type
	if len(typ) > len(prefix) && ascii.EqualFold(typ[:len(prefix)], prefix) {
		typ = typ[len(prefix):]
	}
	return ascii.EqualFold(typ, mediaType)
}

// LooksSigned reports whether a token has the three parts of a JWS: then it is
// one, valid or not, and otherwise it means something only to its issuer.
func LooksSigned(token string) bool { return strings.Count(token, ".") == 2 }

// Parse reads a token (RFC 7515 section 7.1). It fails with ErrMalformed,
// ErrTooLong, ErrNameTooLong, ErrAlgorithm, ErrCritical, or jsonobject's errors
// for a header beyond its bounds.
func Parse(token string) (*Message, error) {
	if len(token) > MaxTokenBytes {
		return nil, ErrTooLong
	}
	if !LooksSigned(token) {
		return nil, ErrMalformed
	}
	last := strings.LastIndexByte(token, '.')
	head, body, _ := strings.Cut(token[:last], ".")
	text, ok := decode(head)
	if !ok {
		return nil, ErrMalformed
	}
	m := &Message{SigningInput: token[:last]}
	if err := m.Header.read(text); err != nil {
		return nil, err
	}
	if m.Payload, ok = decode(body); !ok {
		return nil, ErrMalformed
	}
	if m.Signature, ok = decode(token[last+1:]); !ok || len(m.Signature) == 0 {
		return nil, ErrMalformed
	}
	return m, nil
}

func (h *Header) read(text []byte) error {
	members, err := jsonobject.Read(text)
	switch {
	case errors.Is(err, jsonobject.ErrTooDeep), errors.Is(err, jsonobject.ErrTooManyMembers):
		return err
	case err != nil:
		return ErrMalformed
	}
	for _, m := range members {
		var err error
		switch m.Name {
		case "alg":
			if !m.Value.IsString() {
				err = ErrMalformed
			}
			h.Algorithm = AlgorithmOf(m.Value.Content())
		case "kid":
			h.KeyID, err = name(m.Value)
		case "typ":
			h.Type, err = name(m.Value)
		case "jwk":
			h.jwk = m.Value
		case "crit": // nothing that may be in it is understood
			err = ErrCritical
		}
		if err != nil {
			return err
		}
	}
	if h.Algorithm == NoAlgorithm {
		return ErrAlgorithm
	}
	return nil
}

func name(v jsonobject.Value) (string, error) {
	s := v.Content()
	if s == "" {
		return "", ErrMalformed
	}
	if len(s) > maxNameBytes {
		return "", ErrNameTooLong
	}
	return strings.Clone(s), nil
}

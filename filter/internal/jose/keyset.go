package jose

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/jsonobject"
)

// maxKeys bounds a key set, including the keys that are of no use. Okta
// publishes two or three.
const maxKeys = 64

// KeySet is what an issuer publishes (RFC 7517 section 5). The zero value holds
// no key.
type KeySet struct{ keys []*PublicKey }

// ParseKeySet reads a JWK Set. Keys that are not for checking RS256 or ES256
// signatures are left out, as RFC 7517 section 5 says; a set in which none is
// left is an error.
func ParseKeySet(text []byte) (*KeySet, error) {
	list, err := jsonobject.Read(text)
	if err != nil {
		return nil, ErrKeySet
	}
	s := &KeySet{}
	for _, m := range list {
		if m.Name == "keys" && !s.read(m.Value) {
			return nil, ErrKeySet
		}
	}
	if len(s.keys) == 0 {
		return nil, ErrKeySet
	}
	return s, nil
}

func (s *KeySet) read(keys jsonobject.Value) bool {
	if !keys.IsList() {
		return false
	}
	count := 0
	keys.Each(func(_ string, v jsonobject.Value) bool {
		if k, err := publicKeyOf(v); err == nil {
			s.keys = append(s.keys, k)
		}
		count++
		return count <= maxKeys
	})
	return count <= maxKeys
}

// Len is the number of keys.
func (s *KeySet) Len() int { return len(s.keys) }

// Find gives the key that the header names. A header without a kid names the
// only key of its algorithm. Two keys of the same algorithm and kid count as
// none: it is not known which of them the issuer meant.
func (s *KeySet) Find(h *Header) (*PublicKey, bool) {
	var found *PublicKey
	for _, k := range s.keys {
		if k.algorithm != h.Algorithm || h.KeyID != "" && k.ID != h.KeyID {
			continue
		}
		if found != nil {
			return nil, false
		}
		found = k
	}
	return found, found != nil
}

package catalog

import (
	"crypto/subtle"
	"encoding/binary"

	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
)

// keyTable finds a key by its SHA-256. The first eight bytes of the hash lead
// to a chain of candidates; each is compared whole and in constant time.
// Whoever times the lookup learns only about a hash that they cannot choose.
type keyTable struct {
	first map[uint64]int32 // 1 + index into refs
	refs  []keyRef
}

type keyRef struct{ app, key, next int32 }

// emptyKeySHA256 is the hash of the empty string, which is nobody's key.
var emptyKeySHA256 = [32]byte{
	0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
	0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
}

func newKeyTable(apps []App, ch *checker) keyTable {
	count := 0
	for i := range apps {
		count += len(apps[i].Keys)
	}
	t := keyTable{first: make(map[uint64]int32, count), refs: make([]keyRef, 0, count)}
	byID := make(map[string]keyRef, count)
	for i := range apps {
		for j := range apps[i].Keys {
			ref := keyRef{app: int32(i), key: int32(j)}
			ch.key(ref, &apps[i].Keys[j], byID)
			t.add(ref, apps, ch)
		}
	}
	return t
}

// key checks one key by itself, and that its id is unique.
func (ch *checker) key(ref keyRef, k *Key, byID map[string]keyRef) {
	if m := textFault(k.ID, maxNameBytes); m != "" {
		ch.add(ref.path()+".id", m)
	} else if other, taken := byID[k.ID]; taken {
		ch.add(ref.path()+".id", "must be unique, got "+decode.Quote(k.ID)+", also at "+other.path())
	} else {
		byID[k.ID] = ref
	}
	switch k.SHA256 {
	case [32]byte{}:
		ch.add(ref.path()+".sha256", "must be the SHA-256 of a key, got zeros or nothing")
	case emptyKeySHA256:
		ch.add(ref.path()+".sha256", "must be the SHA-256 of a key, got that of the empty text")
	}
}

func (t *keyTable) add(ref keyRef, apps []App, ch *checker) {
	sum := &apps[ref.app].Keys[ref.key].SHA256
	prefix := binary.BigEndian.Uint64(sum[:8])
	for next := t.first[prefix]; next != 0; {
		other := t.refs[next-1]
		if *sum == apps[other.app].Keys[other.key].SHA256 {
			if *sum != ([32]byte{}) {
				ch.add(ref.path()+".sha256", "must be unique, got the same value as "+other.path())
			}
			return
		}
		next = other.next
	}
	ref.next = t.first[prefix]
	t.refs = append(t.refs, ref)
	t.first[prefix] = int32(len(t.refs))
}

func (r keyRef) path() string {
	return item(appPath(int(r.app))+".keys", int(r.key))
}

// FindKey finds the key whose SHA-256 is sum, and the app that it belongs to.
// It says nothing about status or expiry. The caller must not change the app or
// the key.
func (c *Catalog) FindKey(sum [32]byte) (app *App, key *Key, ok bool) {
	for next := c.keys.first[binary.BigEndian.Uint64(sum[:8])]; next != 0; {
		ref := c.keys.refs[next-1]
		candidate := &c.apps[ref.app].Keys[ref.key]
		if subtle.ConstantTimeCompare(candidate.SHA256[:], sum[:]) == 1 {
			app, key, ok = &c.apps[ref.app], candidate, true
		}
		next = ref.next
	}
	return app, key, ok
}

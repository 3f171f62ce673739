package jwks

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/sha256"
)

// sharedPrefix begins the host's key of a key set: one for each address of the
// configuration, of MaxBytes at most.
const sharedPrefix = "sallyport/jwks/v1/"

// headSize is the size of what precedes the text: when it was fetched and for
// how long it is good, both in nanoseconds.
const headSize = 16

// shared is one key set in the host's shared data. It spares each VM its own
// call, and outlives a configuration: a new one begins with keys even when the
// issuer is down.
type shared struct {
	_     [0]func() // not comparable: an unused == costs the guest code
	store host.Store
	key   string
}

// document is a key set as it was fetched.
type document struct {
	fetched int64 // unix nanoseconds
	life    time.Duration
	text    []byte
}

func newShared(o Options, s host.Store) shared {
	var address []byte
	for _, field := range []string{o.Cluster, o.Authority, o.Path} {
		address = binary.BigEndian.AppendUint32(address, uint32(len(field)))
		address = append(address, field...)
	}
	sum := sha256.Sum256(address)
	return shared{store: s, key: sharedPrefix + ascii.Hex(sum[:])}
}

func (s *shared) read() (document, bool) {
	b, _, err := s.store.Get(s.key)
	if err != nil || len(b) < headSize || len(b) > headSize+MaxBytes {
		return document{}, false
	}
	return document{
		fetched: int64(binary.BigEndian.Uint64(b)),
		life:    time.Duration(binary.BigEndian.Uint64(b[8:])),
		text:    bytes.Clone(b[headSize:]),
	}, true
}

// write keeps the set for the other VMs. What is not kept they fetch themselves.
func (s *shared) write(d document) {
	b := make([]byte, headSize, headSize+len(d.text))
	binary.BigEndian.PutUint64(b, uint64(d.fetched))
	binary.BigEndian.PutUint64(b[8:], uint64(d.life))
	_ = s.store.Set(s.key, append(b, d.text...), 0)
}

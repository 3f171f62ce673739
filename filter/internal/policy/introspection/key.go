package introspection

import (
	"encoding/binary"

	"github.com/sallyport-gateway/sallyport/filter/internal/sha256"
)

// key stands for one token at one endpoint, asked about as one client: servers
// may answer each client differently (RFC 7662 section 2.2). The token itself
// is kept nowhere.
type key [sha256.Size]byte

const (
	endpointDomain = "sallyport introspection endpoint v1\x00"
	tokenDomain    = "sallyport introspection token v1\x00"
)

// keyer makes keys. Its prefix has one length for all endpoints, so no token
// can be taken for a part of it.
type keyer struct {
	prefix []byte
	room   []byte // for prefix and token, cleared after each use
}

func newKeyer(o Options) *keyer {
	endpoint := []byte(endpointDomain)
	for _, field := range []string{o.Cluster, o.Authority, o.Path, o.ClientID} {
		endpoint = binary.BigEndian.AppendUint32(endpoint, uint32(len(field)))
		endpoint = append(endpoint, field...)
	}
	sum := sha256.Sum256(endpoint)
	return &keyer{prefix: append([]byte(tokenDomain), sum[:]...)}
}

func (k *keyer) of(token string) key {
	b := append(append(k.room[:0], k.prefix...), token...)
	sum := sha256.Sum256(b)
	clear(b)
	k.room = b
	return sum
}

package introspection

import (
	"encoding/binary"

	"github.com/sallyport-gateway/sallyport/filter/internal/sha256"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
)

const (
	endpointDomain = "sallyport introspection endpoint v2\x00"
	tokenDomain    = "sallyport introspection token v1\x00"
)

// keyer makes keys. A key stands for one token at one endpoint, asked about as
// one client: servers may answer each client differently (RFC 7662 section
// 2.2), and a client that cannot prove who it is gets no answer, so it must not
// share one. The token itself is not kept anywhere, and a credential only as a
// part of what is hashed twice: whoever reads the host's shared data, and can
// forge answers there, could at most try guesses of a client secret that is
// short enough to be guessed.
//
// The prefix has one length for all endpoints, so no token can be taken for a part
// of it.
type keyer struct {
	prefix []byte
	room   []byte // for prefix and token, cleared after each use
}

// newKeyer covers where to ask, as which client, and how the client proves who
// it is: with another proof the server might not have answered. It covers the
// size of the tables, so that those who share no table share no call either.
func newKeyer(o Options) *keyer {
	endpoint := append([]byte(endpointDomain), byte(o.ClientAuth))
	endpoint = binary.BigEndian.AppendUint32(endpoint, uint32(o.SharedEntries))
	thumbprint := ""
	if o.Assertion.Key != nil {
		thumbprint = o.Assertion.Key.Public().Thumbprint()
	}
	for _, field := range []string{
		o.Cluster, o.Authority, o.Path, o.ClientID, o.Secret.Reveal(), o.Assertion.KeyID, o.Assertion.Audience, thumbprint,
	} {
		endpoint = binary.BigEndian.AppendUint32(endpoint, uint32(len(field)))
		endpoint = append(endpoint, field...)
	}
	sum := sha256.Sum256(endpoint)
	return &keyer{prefix: append([]byte(tokenDomain), sum[:]...)}
}

func (k *keyer) of(token string) sharedtable.Key {
	b := append(append(k.room[:0], k.prefix...), token...)
	sum := sha256.Sum256(b)
	clear(b)
	k.room = b
	return sum
}

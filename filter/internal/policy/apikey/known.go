package apikey

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/catalog"
	"github.com/sallyport-gateway/sallyport/filter/internal/sha256"
	"github.com/sallyport-gateway/sallyport/filter/internal/siphash"
)

// Both are powers of two.
const (
	maxKnown   = 1024
	maxNobodys = 64
)

// known finds keys again without their SHA-256: by a hash under a key that only
// this step knows. What a client sent is never in it. Only keys that the
// catalog knows are in slots, so garbage pushes nothing out, and what the
// catalog says about a key is asked each time. A key that it does not know
// stays unknown: a catalog does not change.
type known struct {
	secret  siphash.Key
	slots   []knownKey               // made with the first key
	nobodys *[maxNobodys]siphash.Sum // of keys that the catalog does not know; made with the first
}

type knownKey struct {
	sum siphash.Sum
	app *catalog.App
	key *catalog.Key // nil for none
}

// find gives the key that was presented, and its app; nil for none.
func (k *known) find(c *catalog.Catalog, presented string) (*catalog.App, *catalog.Key) {
	sum := k.secret.Sum(presented)
	if k.slots != nil {
		if p := &k.slots[sum[0]%maxKnown]; p.sum == sum {
			return p.app, p.key
		}
	}
	if k.nobodys != nil && k.nobodys[sum[0]%maxNobodys] == sum {
		return nil, nil
	}
	app, key, ok := c.FindKey(sha256.Sum256([]byte(presented)))
	if !ok {
		if k.nobodys == nil {
			k.nobodys = new([maxNobodys]siphash.Sum)
		}
		k.nobodys[sum[0]%maxNobodys] = sum
		return nil, nil
	}
	if k.slots == nil {
		k.slots = make([]knownKey, maxKnown)
	}
	k.slots[sum[0]%maxKnown] = knownKey{sum, app, key}
	return app, key
}

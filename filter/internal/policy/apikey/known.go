package apikey

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/catalog"
	"github.com/sallyport-gateway/sallyport/filter/internal/sha256"
	"github.com/sallyport-gateway/sallyport/filter/internal/siphash"
)

// maxKnown is a power of two.
const maxKnown = 1024

// known finds keys of the catalog again without their SHA-256: by a hash under a
// key that only this step knows. Only what the catalog knows is in it, so that
// garbage pushes nothing out, and never what a client sent. What the catalog says
// of a key is asked each time.
type known struct {
	secret siphash.Key
	slots  []knownKey // made with the first key
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
	app, key, ok := c.FindKey(sha256.Sum256([]byte(presented)))
	if !ok {
		return nil, nil
	}
	if k.slots == nil {
		k.slots = make([]knownKey, maxKnown)
	}
	k.slots[sum[0]%maxKnown] = knownKey{sum, app, key}
	return app, key
}

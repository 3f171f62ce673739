package introspection

import (
	"container/list"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// cache keeps what the server said of active tokens: the claims, never what
// the rules made of them. It holds a fixed number of entries and gives up the
// one that was used longest ago. The bounds on claims keep an entry below
// 20 KiB; a usual one has a few hundred bytes.
type cache struct {
	limit  int
	maxTTL time.Duration
	byKey  map[key]*list.Element
	recent *list.List // of *entry, the last used in front
}

// entry is good from the moment when it was stored until it ends. The start
// matters when the clock is set back: without it the entry would outlive
// maxTTL.
type entry struct {
	key           key
	claims        *pipeline.Claims
	stored, until int64 // unix nanoseconds
}

func newCache(limit int, maxTTL time.Duration) *cache {
	return &cache{limit: limit, maxTTL: maxTTL, byKey: make(map[key]*list.Element), recent: list.New()}
}

// get gives the claims, to read and not to change, if they are still good now.
func (c *cache) get(k key, now int64) (*pipeline.Claims, bool) {
	element, ok := c.byKey[k]
	if !ok {
		return nil, false
	}
	e := element.Value.(*entry)
	if now < e.stored || now >= e.until {
		c.drop(element)
		return nil, false
	}
	c.recent.MoveToFront(element)
	return e.claims, true
}

// put replaces what is known of the token. Claims of a token that is not
// active, has expired or does not say when (exp 0 is long past) are not kept,
// for RFC 7662 section 4 wants nothing kept beyond exp; what was known before
// goes all the same.
func (c *cache) put(k key, claims *pipeline.Claims, now int64) {
	if element, ok := c.byKey[k]; ok {
		c.drop(element)
	}
	if c.limit <= 0 || c.maxTTL <= 0 || !claims.Active {
		return
	}
	until := now + int64(c.maxTTL)
	if claims.Expires <= until/int64(time.Second) {
		until = claims.Expires * int64(time.Second)
	}
	if until <= now {
		return
	}
	for len(c.byKey) >= c.limit {
		c.drop(c.recent.Back())
	}
	c.byKey[k] = c.recent.PushFront(&entry{key: k, claims: claims, stored: now, until: until})
}

func (c *cache) drop(element *list.Element) {
	delete(c.byKey, element.Value.(*entry).key)
	c.recent.Remove(element)
}

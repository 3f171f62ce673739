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
	grace  time.Duration // how long claims that are not good any more are kept for an outage
	byKey  map[key]*list.Element
	recent *list.List // of *entry, the last used in front
}

// entry is good from the moment when it was stored until it ends, and of some
// use until it is gone. The start matters when the clock is set back: without it
// the entry would outlive maxTTL.
type entry struct {
	key                 key
	claims              *pipeline.Claims
	stored, until, gone int64 // unix nanoseconds
}

func newCache(limit int, maxTTL, grace time.Duration) *cache {
	return &cache{limit: limit, maxTTL: maxTTL, grace: grace, byKey: make(map[key]*list.Element), recent: list.New()}
}

// get gives the claims, to read and not to change, if they are still good now.
func (c *cache) get(k key, now int64) (*pipeline.Claims, bool) {
	e, ok := c.find(k, now)
	if !ok || now >= e.until {
		return nil, false
	}
	return e.claims, true
}

// stale gives the claims also for the grace after that, never past exp.
func (c *cache) stale(k key, now int64) (*pipeline.Claims, bool) {
	e, ok := c.find(k, now)
	if !ok {
		return nil, false
	}
	return e.claims, true
}

// find gives the entry if it is of any use now.
func (c *cache) find(k key, now int64) (*entry, bool) {
	element, ok := c.byKey[k]
	if !ok {
		return nil, false
	}
	e := element.Value.(*entry)
	if now < e.stored || now >= e.gone {
		c.drop(element)
		return nil, false
	}
	c.recent.MoveToFront(element)
	return e, true
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
	until := notPast(claims, now+int64(c.maxTTL))
	if until <= now {
		return
	}
	for len(c.byKey) >= c.limit {
		c.drop(c.recent.Back())
	}
	c.byKey[k] = c.recent.PushFront(&entry{key: k, claims: claims, stored: now, until: until, gone: notPast(claims, until+int64(c.grace))})
}

// notPast gives the moment, or exp if that comes before.
func notPast(claims *pipeline.Claims, moment int64) int64 {
	if claims.Expires <= moment/int64(time.Second) {
		return claims.Expires * int64(time.Second)
	}
	return moment
}

func (c *cache) drop(element *list.Element) {
	delete(c.byKey, element.Value.(*entry).key)
	c.recent.Remove(element)
}

package introspection

import (
	"container/list"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/incomparable"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/introspection/answers"
)

// lives says how long an answer may be believed.
type lives struct {
	maxTTL     time.Duration // of an active token, whatever its exp
	withoutExp time.Duration // of one that has none; 0 for not at all
	negative   time.Duration // of one that is not active
	grace      time.Duration // beyond the others, in an outage, never past exp
}

// answer is what is kept of an active token's claims. RFC 7662 section 4 wants
// nothing kept beyond exp; ok is false when there is nothing to keep.
func (l lives) answer(claims *pipeline.Claims, now int64) (a answers.Answer, ok bool) {
	life := l.maxTTL
	if claims.Expires == 0 {
		life = min(life, l.withoutExp)
	}
	until := notPast(claims, now+int64(life))
	return answers.Answer{Claims: claims, Stored: now, Until: until, Gone: notPast(claims, until+int64(l.grace))}, until > now
}

// notPast gives the moment, or exp if that comes before.
func notPast(claims *pipeline.Claims, moment int64) int64 {
	if claims.Expires != 0 && claims.Expires <= moment/int64(time.Second) {
		return claims.Expires * int64(time.Second)
	}
	return moment
}

// cache keeps what the server said of active tokens: the claims, never what
// the rules made of them. It holds a fixed number of entries and gives up the
// one that was used longest ago. The bounds on claims keep an entry below
// 20 KiB; a usual one has a few hundred bytes.
type cache struct {
	limit  int
	byKey  map[key]*list.Element
	recent *list.List // of *entry, the last used in front
}

// entry is good from the moment when it was stored until it ends, and of some
// use until it is gone. The start matters when the clock is set back: without it
// the entry would outlive its time.
type entry struct {
	_ incomparable.Type

	answers.Answer
	key       key
	shared    bool  // other VMs have it too
	checked   int64 // when this VM last saw that they have
	hits      int
	refreshed int64 // when a new answer was last asked for ahead of time
}

func newCache(limit int) *cache {
	return &cache{limit: limit, byKey: make(map[key]*list.Element), recent: list.New()}
}

// find gives the entry, to read and not to change, if it is of any use now; good
// tells whether it is more than an outage's last resort.
func (c *cache) find(k key, now int64) (e *entry, good bool) {
	element, ok := c.byKey[k]
	if !ok {
		return nil, false
	}
	e = element.Value.(*entry)
	if now < e.Stored || now >= e.Gone {
		c.drop(k)
		return nil, false
	}
	c.recent.MoveToFront(element)
	return e, now < e.Until
}

// put replaces what is known of the token.
func (c *cache) put(e *entry) {
	c.drop(e.key)
	if c.limit <= 0 {
		return
	}
	for len(c.byKey) >= c.limit {
		c.drop(c.recent.Back().Value.(*entry).key)
	}
	c.byKey[e.key] = c.recent.PushFront(e)
}

//go:noinline
func (c *cache) drop(k key) {
	if element, ok := c.byKey[k]; ok {
		delete(c.byKey, k)
		c.recent.Remove(element)
	}
}

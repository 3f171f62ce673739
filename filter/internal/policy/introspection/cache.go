package introspection

import (
	"container/list"
	"math"
	"time"
	"unsafe"

	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/introspection/answers"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
	"github.com/sallyport-gateway/sallyport/filter/internal/siphash"
)

// MaxStale bounds Options.StaleIfError.
const MaxStale = time.Hour

// lives says how long an answer may be believed by one step, whoever stored it.
type lives struct {
	maxTTL     time.Duration // of an active token, whatever its exp
	withoutExp time.Duration // of one that has none; 0 for not at all
	negative   time.Duration // of one that is not active
	grace      time.Duration // beyond the others, in an outage, never past exp
}

// answer is what is kept of an active token's claims. RFC 7662 section 4
// forbids keeping anything beyond exp; ok is false when there is nothing to
// keep.
func (l lives) answer(claims *pipeline.Claims, now int64) (a answers.Record, ok bool) {
	life := l.maxTTL
	if claims.Expires == 0 {
		life = min(life, l.withoutExp)
	}
	until := notPast(claims, now+int64(life))
	return answers.Record{Claims: claims, Stored: now, Until: until, Gone: notPast(claims, until+int64(l.grace))}, until > now
}

// shared is what the other steps may make of an answer: how long they use it in
// an outage is up to them.
func (l *lives) shared(a answers.Record) answers.Record {
	a.Gone = notPast(a.Claims, a.Until+int64(MaxStale))
	return a
}

// limit shortens an answer that any step may have stored to what this one and
// the token allow. Only this step's grace makes it longer.
func (l *lives) limit(a answers.Record, valid span) answers.Record {
	own, ok := l.answer(a.Claims, a.Stored)
	a.Until = min(a.Until, own.Until, valid.until)
	a.Gone = min(notPast(a.Claims, a.Until+int64(l.grace)), a.Gone, valid.until)
	if !ok { // not to be kept at all
		a.Until, a.Gone = a.Stored, a.Stored
	}
	a.Stored = max(a.Stored, valid.from)
	return a
}

// span is the time, in unix nanoseconds, in which a token's own nbf and exp, as
// precheck reads them, let it pass. The zero value is never.
type span struct{ from, until int64 }

// always is the span of a token that nothing is read from.
var always = span{math.MinInt64, math.MaxInt64}

// spanOf is from one moment until another, both in unix seconds, wider by a skew.
func spanOf(from, until, skew int64) span {
	const second, last = int64(time.Second), math.MaxInt64 / int64(time.Second) / 2
	return span{min(from, last)*second - skew, min(until, last)*second + skew}
}

// notPast gives the moment, or exp if that comes before.
func notPast(claims *pipeline.Claims, moment int64) int64 {
	if claims.Expires != 0 && claims.Expires <= moment/int64(time.Second) {
		return claims.Expires * int64(time.Second)
	}
	return moment
}

// maxCacheBytes bounds what the claims in a cache take, by their lengths. With
// what it takes to find them, and as much again for the garbage collector, they
// leave part of the gibibyte that Envoy gives a VM.
const maxCacheBytes = 192 << 20

// cache keeps what the server said about active tokens: the claims, never what
// the rules made of them. It belongs to one step: what is in it keeps to the
// step's limits and its token has passed the step's precheck. It holds at most
// limit entries, of at most maxCacheBytes together, and gives up the least
// recently used. The bounds on claims keep an entry below 20 KiB; a typical one
// has a few hundred bytes.
type cache struct {
	limit  int
	bytes  int // of all entries
	byKey  map[sharedtable.Key]*list.Element
	recent *list.List // of *entry, the last used in front
	names  []*entry   // chains of those that have a name; see chain
}

// entry is good from the moment when it was stored until it ends, and of some
// use until it is gone. The start matters when the clock is set back: without it
// the entry would outlive its time.
type entry struct {
	_ [0]func() // not comparable: an unused == costs the guest code
	answers.Record
	key       sharedtable.Key
	place     *list.Element // in recent
	name      siphash.Sum   // see rename; zero for none
	next      *entry        // of a chain of names
	valid     span          // of the token itself
	bytes     int           // see bytesOf
	shared    bool          // other VMs have it too
	checked   int64         // when this VM last saw that they have
	hits      int
	refreshed int64 // when a new answer was last asked for ahead of time
}

func newCache(limit int) *cache {
	return &cache{limit: limit, byKey: make(map[sharedtable.Key]*list.Element), recent: list.New(), names: make([]*entry, 1)}
}

// find gives the entry, which must not be changed, if it is of any use now;
// good reports whether it is more than a last resort in an outage.
func (c *cache) find(k sharedtable.Key, now int64) (e *entry, good bool) {
	if element, ok := c.byKey[k]; ok {
		return c.use(element.Value.(*entry), now)
	}
	return nil, false
}

// use is find for an entry of the cache.
func (c *cache) use(e *entry, now int64) (_ *entry, good bool) {
	if now < e.Stored || now >= e.Gone {
		c.drop(e.key)
		return nil, false
	}
	c.recent.MoveToFront(e.place)
	return e, now < e.Until
}

// put replaces what is known about the token.
func (c *cache) put(e *entry) {
	c.drop(e.key)
	if c.limit <= 0 {
		return
	}
	e.bytes = bytesOf(e.Claims)
	for len(c.byKey) >= c.limit || c.bytes > maxCacheBytes-e.bytes {
		c.drop(c.recent.Back().Value.(*entry).key)
	}
	e.place = c.recent.PushFront(e)
	c.byKey[e.key] = e.place
	c.bytes += e.bytes
	if len(c.byKey) > len(c.names) {
		c.split()
	}
}

//go:noinline
func (c *cache) drop(k sharedtable.Key) {
	if element, ok := c.byKey[k]; ok {
		e := element.Value.(*entry)
		c.unname(e)
		c.bytes -= e.bytes
		delete(c.byKey, k)
		c.recent.Remove(element)
	}
}

// bytesOf is about what claims take.
func bytesOf(claims *pipeline.Claims) int {
	n := int(unsafe.Sizeof(*claims)) + len(claims.Issuer) + len(claims.ClientID) + len(claims.Subject) + len(claims.TokenType) +
		len(claims.KeyThumbprint) + len(claims.CertificateThumbprint)
	for _, list := range [...][]string{claims.Audience, claims.Scopes} {
		for _, text := range list {
			n += int(unsafe.Sizeof(text)) + len(text)
		}
	}
	return n
}

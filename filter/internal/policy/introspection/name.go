package introspection

import (
	"math/bits"

	"github.com/sallyport-gateway/sallyport/filter/internal/jose"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/siphash"
)

// maxNamed bounds an Authorization header that is given a name: a token and its
// scheme.
const maxNamed = jose.MaxTokenBytes + 16

// byName gives what this VM knows about a request's token, as held does, by the
// name of the request's only Authorization header: a hash of it as a whole,
// scheme and all, under a key that only this step knows. Only the Bearer
// presentation of a token that passed every check that looks at nothing else
// has a name. So the header need not be read again, nor the token be hashed for
// the key that it has in shared data, which would take most of the time of a
// request whose token is known. e is nil for a header about which nothing is
// known, and name is zero for one that cannot have a name.
func (s *Step) byName(x *pipeline.Exchange) (name siphash.Sum, e *entry) {
	value, count := authorization(x)
	if count != 1 || len(value) > maxNamed || s.cache.limit <= 0 {
		return name, nil
	}
	name = s.names.Sum(value)
	e = s.cache.named(name)
	if e == nil || hasParameter(x.Query, tokenParameter) {
		return name, nil
	}
	e, _ = s.believed(e, x.Now)
	if e != nil {
		s.binding.offer(x)
	}
	return name, e
}

// rename lets an entry of the cache be found by a name, and by no other one; zero
// is none. Two spellings of one scheme take it from each other.
func (c *cache) rename(e *entry, name siphash.Sum) {
	c.unname(e)
	if name == (siphash.Sum{}) {
		return
	}
	first := c.chain(name)
	e.name, e.next, *first = name, *first, e
}

// named finds an entry by its whole name.
func (c *cache) named(name siphash.Sum) *entry {
	e := *c.chain(name)
	for e != nil && e.name != name {
		e = e.next
	}
	return e
}

// unname takes its name from an entry.
//
//go:noinline
func (c *cache) unname(e *entry) {
	if e.name == (siphash.Sum{}) {
		return
	}
	at := c.chain(e.name)
	for *at != e {
		at = &(*at).next
	}
	*at, e.next, e.name = e.next, nil, siphash.Sum{}
}

// chain is where the entries begin whose names end in the same bits: as many
// bits as it takes to number the chains, or one less if that chain is not there
// yet.
//
//go:noinline
func (c *cache) chain(name siphash.Sum) **entry {
	high := highest(len(c.names) - 1)
	i := int(name[0] & uint64(2*high-1))
	if i >= len(c.names) {
		i -= high
	}
	return &c.names[i]
}

// split makes one more chain, of what belongs to it in the only one that could
// have held it until now (linear hashing; Litwin, 1980). So the chains grow with
// the entries, and no request pays for all of them at once.
func (c *cache) split() {
	n := len(c.names)
	c.names = append(c.names, nil)
	e := c.names[n-highest(n)]
	c.names[n-highest(n)] = nil
	for e != nil {
		next, first := e.next, c.chain(e.name)
		e.next, *first = *first, e
		e = next
	}
}

// highest is the value of the highest bit of n, and 1 for 0.
func highest(n int) int { return 1 << max(bits.Len(uint(n))-1, 0) }

package introspection

import (
	"container/list"

	"github.com/sallyport-gateway/sallyport/filter/internal/jose"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/siphash"
)

// maxNamed bounds an Authorization header that is given a name: a token and its
// scheme.
const maxNamed = jose.MaxTokenBytes + 16

// nameOf gives the request's only Authorization header and its name in the cache:
// a hash of the header as a whole, scheme and all, under a key that only this step
// knows. What has a name is the Bearer presentation of a token that passed every
// check which looks at nothing else. So the header need not be read again, nor
// hashed for the key that the token has in shared data, which takes most of the
// time of a request whose token is known. ok is false for what cannot have one.
func (s *Step) nameOf(x *pipeline.Exchange) (value string, name siphash.Sum, ok bool) {
	value, count := authorization(x)
	if count != 1 || len(value) > maxNamed || s.cache.limit <= 0 {
		return "", name, false
	}
	return value, s.names.Sum(value), true
}

// rename lets an entry of the cache be found by a name, and by no other one. Two
// spellings of one scheme take it from each other.
func (c *cache) rename(e *entry, name siphash.Sum) {
	element := c.byKey[e.key]
	c.unname(element)
	e.name = name
	c.byName[name[0]] = element
}

// named finds an entry by its whole name.
func (c *cache) named(name siphash.Sum) *list.Element {
	element := c.byName[name[0]]
	if element == nil || element.Value.(*entry).name != name {
		return nil
	}
	return element
}

// unname takes its name from an entry; the half of it may be another one's by now.
func (c *cache) unname(element *list.Element) {
	if e := element.Value.(*entry); c.byName[e.name[0]] == element {
		delete(c.byName, e.name[0])
	}
}

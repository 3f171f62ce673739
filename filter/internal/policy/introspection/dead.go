package introspection

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/introspection/answers"
	"github.com/sallyport-gateway/sallyport/filter/internal/siphash"
)

// maxDead bounds the inactive tokens that a VM knows by name; a power of two.
const maxDead = 256

// dead are the names, as byName has them, of tokens that all VMs know to be
// inactive, and where that is recorded: one that is tried again and again costs
// no SHA-256, and no more than a look whether that has changed. A new one takes
// the place of another; all that an entry can say about a token is that it is
// refused.
type dead struct{ slots *[maxDead]deadToken } // made with the first

type deadToken struct {
	_     [0]func() // not comparable: an unused == costs the guest code
	name  siphash.Sum
	valid span // of the token itself
	found answers.Refused
}

// put notes a name, unless it is zero.
func (d *dead) put(name siphash.Sum, valid span, found answers.Refused) {
	if name == (siphash.Sum{}) {
		return
	}
	if d.slots == nil {
		d.slots = new([maxDead]deadToken)
	}
	d.slots[name[0]%maxDead] = deadToken{name: name, valid: valid, found: found}
}

// isDead reports whether the token of this name is one of them, now.
func (s *Step) isDead(name siphash.Sum, x *pipeline.Exchange) bool {
	t := &s.dead.slots[name[0]%maxDead]
	return t.name == name && t.valid.from <= x.Now && x.Now < t.valid.until && !hasParameter(x.Query, tokenParameter) &&
		s.shared.answers.Still(&t.found, x.Now)
}

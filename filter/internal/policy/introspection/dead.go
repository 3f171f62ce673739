package introspection

import "github.com/sallyport-gateway/sallyport/filter/internal/siphash"

// maxDead bounds the inactive tokens that a VM knows by name; a power of two.
const maxDead = 256

// dead are the names, as byName has them, of tokens that all VMs know to be not
// active: one that is tried again and again costs neither its SHA-256 nor a look
// into shared data. It is believed for as long as the VM's cache is without a
// look there, RecheckEvery, and never longer than what stands there. A new one
// takes the place of another; it can say of a token only that it is refused.
type dead struct{ slots *[maxDead]deadToken } // made with the first

type deadToken struct {
	name        siphash.Sum
	from, until int64 // unix nanoseconds
}

// put notes a name, unless it is zero.
func (d *dead) put(name siphash.Sum, now, until int64) {
	if name == (siphash.Sum{}) {
		return
	}
	if d.slots == nil {
		d.slots = new([maxDead]deadToken)
	}
	d.slots[name[0]%maxDead] = deadToken{name, now, min(until, now+int64(RecheckEvery))}
}

// has reports whether the name is known, and may still be believed.
func (d *dead) has(name siphash.Sum, now int64) bool {
	if d.slots == nil {
		return false
	}
	t := &d.slots[name[0]%maxDead]
	return t.name == name && t.from <= now && now < t.until
}

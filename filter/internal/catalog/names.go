package catalog

// byName finds numbers by name: a map that does without a hash while it has few
// names, as most have. The zero value is empty.
type byName struct {
	few []named
	all map[string]int // made when there are more than maxFew
}

type named struct {
	_      [0]func() // not comparable: an unused == costs the guest code
	name   string
	number int
}

// maxFew is about where comparing each name with one of its length costs more
// than the hash.
const maxFew = 8

func (b *byName) get(name string) (number int, ok bool) {
	if b.all != nil {
		number, ok = b.all[name]
		return number, ok
	}
	for i := range b.few {
		if n := &b.few[i]; n.name == name {
			return n.number, true
		}
	}
	return 0, false
}

// add adds a name that is not there yet.
//
//go:noinline
func (b *byName) add(name string, number int) {
	if b.few = append(b.few, named{name: name, number: number}); b.all == nil && len(b.few) <= maxFew {
		return
	}
	if b.all == nil {
		b.all = map[string]int{}
	}
	for _, n := range b.few {
		b.all[n.name] = n.number
	}
	b.few = nil
}

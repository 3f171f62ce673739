package catalog

// byName finds things by name: a map that does without a hash while it has few
// names, as most have. The zero value is empty.
type byName[T any] struct {
	few []named[T]
	all map[string]T // made when there are more than maxFew
}

type named[T any] struct {
	name  string
	thing T
}

// maxFew is about where comparing each name with one of its length costs more
// than the hash.
const maxFew = 8

func (b *byName[T]) get(name string) (thing T, ok bool) {
	if b.all != nil {
		thing, ok = b.all[name]
		return thing, ok
	}
	for i := range b.few {
		if n := &b.few[i]; n.name == name {
			return n.thing, true
		}
	}
	return thing, false
}

// set puts a thing in, or in the place of the one with its name.
func (b *byName[T]) set(name string, thing T) {
	for i := range b.few {
		if b.few[i].name == name {
			b.few[i].thing = thing
			return
		}
	}
	switch {
	case b.all != nil:
		b.all[name] = thing
	case len(b.few) < maxFew:
		b.few = append(b.few, named[T]{name, thing})
	default:
		b.all = make(map[string]T, 2*maxFew)
		for _, n := range b.few {
			b.all[n.name] = n.thing
		}
		b.few, b.all[name] = nil, thing
	}
}

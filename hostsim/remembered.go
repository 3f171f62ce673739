package hostsim

import "strings"

// maxRemembered bounds what a VM remembers of the names that its guest uses, of each kind.
const maxRemembered = 256

// headerName is a header's name with what the host has to know about it.
type headerName struct {
	text           string // in lower case
	inline, pseudo bool
}

func newHeaderName(name string) headerName {
	name = lowerName(name)
	return headerName{text: name, inline: isInline(name), pseudo: strings.HasPrefix(name, ":")}
}

// propertyPath is a path of get_property or set_property, taken apart.
type propertyPath struct {
	text   string // its parts are divided by NUL
	top    string // the first part
	rest   string // what follows it
	nested bool   // something follows
	dotted string // as tests write it: without the NUL behind the last part, which the C++ SDK sends
	// stateKey is where set_property stores, and topStateKey where get_property looks.
	stateKey, topStateKey string
}

func newPropertyPath(text string) *propertyPath {
	p := &propertyPath{text: text, dotted: strings.ReplaceAll(strings.TrimSuffix(text, "\x00"), "\x00", "."), stateKey: stateKeyPrefix + text}
	p.top, p.rest, p.nested = strings.Cut(strings.TrimSuffix(text, "\x00"), "\x00")
	p.topStateKey = stateKeyPrefix + p.top
	return p
}

// headerName is newHeaderName; for a name that the guest used before it allocates nothing.
func (v *vm) headerName(name []byte) headerName {
	if n, ok := v.headerNames[string(name)]; ok {
		return n
	}
	n := newHeaderName(string(name))
	if len(v.headerNames) < maxRemembered {
		v.headerNames[string(name)] = n
	}
	return n
}

// propertyPath is newPropertyPath; for a path that the guest used before it allocates nothing.
func (v *vm) propertyPath(path []byte) *propertyPath {
	if p, ok := v.paths[string(path)]; ok {
		return p
	}
	p := newPropertyPath(string(path))
	if len(v.paths) < maxRemembered {
		v.paths[p.text] = p
	}
	return p
}

// textBlock is how much text is allocated at a time, and maxBlockText what still goes into a block.
const (
	textBlock    = 4096
	maxBlockText = textBlock / 8
)

// textStore makes strings of bytes with few allocations: short ones share a block.
type textStore struct{ block strings.Builder }

func (t *textStore) keep(b []byte) string {
	if len(b) > maxBlockText {
		return string(b)
	}
	if t.block.Cap()-t.block.Len() < len(b) {
		t.block = strings.Builder{}
		t.block.Grow(textBlock)
	}
	at := t.block.Len()
	t.block.Write(b)
	return t.block.String()[at:]
}

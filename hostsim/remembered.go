package hostsim

import "strings"

// maxRemembered bounds what is remembered of the names that a guest uses, of each kind.
const maxRemembered = 256

// remembered are names that a guest used before, so that using them again allocates nothing, and short header values.
type remembered struct {
	headerNames map[string]headerName
	paths       map[string]*propertyPath
	text        textStore
}

func newRemembered() remembered {
	return remembered{headerNames: map[string]headerName{}, paths: map[string]*propertyPath{}}
}

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
func (r *remembered) headerName(name []byte) headerName {
	if n, ok := r.headerNames[string(name)]; ok {
		return n
	}
	n := newHeaderName(string(name))
	if len(r.headerNames) < maxRemembered {
		r.headerNames[string(name)] = n
	}
	return n
}

// propertyPath is newPropertyPath; for a path that the guest used before it allocates nothing.
func (r *remembered) propertyPath(path []byte) *propertyPath {
	if p, ok := r.paths[string(path)]; ok {
		return p
	}
	p := newPropertyPath(string(path))
	if len(r.paths) < maxRemembered {
		r.paths[p.text] = p
	}
	return p
}

package pipeline

import "slices"

// Edits are the changes to make to the request before it goes to the backend:
// first all removals, then all settings, so that nothing that is set can be
// removed and nothing forged can survive.
type Edits struct {
	Remove []string // header names, lower case
	Set    []Header

	// Query replaces the query when QueryChanged is set; "" removes it with its
	// question mark.
	Query        string
	QueryChanged bool
}

// RemoveHeader notes a header for removal, once.
func (e *Edits) RemoveHeader(name string) {
	for _, have := range e.Remove {
		if have == name {
			return
		}
	}
	e.Remove = append(e.Remove, name)
}

// SetHeader notes a header to set in place of whatever the client sent.
func (e *Edits) SetHeader(name, value string) {
	e.RemoveHeader(name)
	e.Set = append(e.Set, Header{Name: name, Value: value})
}

// Edited gives the request's headers as the backend is to see them; changed is
// false when they are those that came.
func (x *Exchange) Edited() (headers []Header, changed bool) {
	e := &x.Edits
	headers = make([]Header, 0, len(x.Headers)+len(e.Set))
	for _, h := range x.Headers {
		switch {
		case slices.Contains(e.Remove, h.Name):
			changed = true
		case h.Name == ":path" && e.QueryChanged:
			headers = append(headers, Header{Name: h.Name, Value: x.target()})
			changed = true
		default:
			headers = append(headers, h)
		}
	}
	return append(headers, e.Set...), changed || len(e.Set) > 0
}

// target is the path with the query as edited.
func (x *Exchange) target() string {
	if x.Edits.Query == "" {
		return x.Path
	}
	return x.Path + "?" + x.Edits.Query
}

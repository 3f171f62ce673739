package pipeline

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

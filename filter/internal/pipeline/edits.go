package pipeline

import "github.com/sallyport-gateway/sallyport/filter/internal/host"

import "slices"

// Edits are the changes to make to the request before it goes to the backend:
// first all removals, then all settings, so that nothing that is set can be
// removed and nothing forged can survive.
type Edits struct {
	Remove []string // header names, lower case
	Set    []host.Header

	// Query replaces the query when QueryChanged is set; "" removes it with its
	// question mark.
	Query        string
	QueryChanged bool
}

// Bounds of a request's headers after the edits: those of the ABI, for the
// filters behind this one (proxy-wasm-cpp-host, limits.h). A header counts as
// its name and its value, 8 bytes of sizes and 2 bytes of terminators.
const (
	maxHeaders      = 1024
	maxHeadersBytes = 1 << 20
	headerOverhead  = 10
)

// Editor is the host's port for a request's headers. false is a technical fault.
type Editor interface {
	// RemoveHeader removes every line of the name; it is not a fault if there
	// is none.
	RemoveHeader(name string) bool
	// ReplaceHeader puts one line in the place of every line of the name.
	ReplaceHeader(name, value string) bool
}

// RemoveHeader notes a header for removal, once.
//
//go:noinline
func (e *Edits) RemoveHeader(name string) {
	for i := range e.Remove {
		if e.Remove[i] == name {
			return
		}
	}
	e.Remove = append(e.Remove, name)
}

// SetHeader notes a header to set in place of whatever the client sent.
func (e *Edits) SetHeader(name, value string) {
	e.Set = append(e.Set, host.Header{Name: name, Value: value})
}

// Edit makes the changes, one call for each. When the host refuses one, or the
// request would be too large, ok is false and some may have been made: the
// request must not go on then.
func (x *Exchange) Edit(request Editor) (ok bool) {
	e := &x.Edits
	if len(e.Remove) == 0 && len(e.Set) == 0 && !e.QueryChanged {
		return true
	}
	if !x.fits() {
		return false
	}
	for _, name := range e.Remove {
		if !request.RemoveHeader(name) {
			return false
		}
	}
	if e.QueryChanged && !request.ReplaceHeader(":path", x.target()) {
		return false
	}
	for i := range e.Set {
		if !request.ReplaceHeader(e.Set[i].Name, e.Set[i].Value) {
			return false
		}
	}
	return true
}

// fits reports whether the request as edited is within the bounds. What is
// removed or replaced is looked for only when it matters.
func (x *Exchange) fits() bool {
	count, size := 0, 4
	for i := range x.Edits.Set {
		count++
		size += lineBytes(&x.Edits.Set[i])
	}
	return withinBounds(count+len(x.Headers), size+linesBytes(x.Headers)) || withinBounds(x.kept(count, size))
}

func withinBounds(count, size int) bool { return count <= maxHeaders && size <= maxHeadersBytes }

// kept adds the lines that the edits leave to count and size.
func (x *Exchange) kept(count, size int) (int, int) {
	for i := range x.Headers {
		h := &x.Headers[i]
		if slices.Contains(x.Edits.Remove, h.Name) || slices.ContainsFunc(x.Edits.Set, func(s host.Header) bool { return s.Name == h.Name }) {
			continue
		}
		count++
		size += lineBytes(h)
	}
	return count, size
}

func linesBytes(lines []host.Header) (size int) {
	for i := range lines {
		size += lineBytes(&lines[i])
	}
	return size
}

func lineBytes(h *host.Header) int { return len(h.Name) + len(h.Value) + headerOverhead }

// target is the path with the query as edited.
func (x *Exchange) target() string {
	if x.Edits.Query == "" {
		return x.Path
	}
	return x.Path + "?" + x.Edits.Query
}

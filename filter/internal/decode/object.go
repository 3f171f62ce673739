package decode

import "strings"

// Members says which members an object may have.
type Members struct {
	Names    []string
	Common   []string // those that other objects have too; they are listed last
	Required int      // how many of the first names must be there
	Private  bool     // holds a secret: an unknown member may be the secret itself
}

// maxMembers bounds the members of one object.
const maxMembers = 32

// Object reads an object's members, each once. It reports whether v is one.
func (r *Reader) Object(v Value, m *Members, member func(name string, v Value)) bool {
	if !v.IsObject() {
		remedy := ""
		if v.IsNull() {
			remedy = "; leave it out, or write {}"
		}
		r.Wrong(v, "an object", remedy)
		return false
	}
	level := len(r.path)
	r.path = append(r.path, frame{})
	var seen [maxMembers]bool
	v.Each(func(key string, v Value) bool {
		i := IndexOf(m.Names, key)
		names, first := m.Names, 0
		if i < 0 {
			names, first = m.Common, len(m.Names)
			i = IndexOf(names, key)
		}
		if i < 0 {
			r.unknown(key, m)
			return true
		}
		r.path[level].name = names[i]
		if seen[first+i] {
			r.Problem("must be given only once")
			return true
		}
		seen[first+i] = true
		member(names[i], v)
		return true
	})
	for i, name := range m.Names[:m.Required] {
		if !seen[i] {
			r.path[level].name = name
			r.Problem("is required")
		}
	}
	r.path = r.path[:level]
	return true
}

// IndexOf is the index of a name in a list, -1 if it is not there.
//
//go:noinline
func IndexOf(names []string, name string) int {
	for i, known := range names {
		if known == name {
			return i
		}
	}
	return -1
}

// unknown notes an unknown member, in the reader's last frame.
func (r *Reader) unknown(name string, m *Members) {
	if r.Problems.Full() {
		r.Problems.Count()
		return
	}
	known := append(m.Names[:len(m.Names):len(m.Names)], m.Common...)
	suggestion := Suggest(name, known)
	shown, message := Quote(name), "is not a known member"
	switch {
	case m.Private && suggestion == "":
		shown, message = "?", message+" (its name is not shown because it could be a secret)"
	case isPlain(name):
		shown = name
	}
	r.path[len(r.path)-1].name = shown
	r.Problem(message + suggestion + "; known members: " + strings.Join(known, ", "))
}

func isPlain(name string) bool {
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return name != "" && len(name) <= 40
}

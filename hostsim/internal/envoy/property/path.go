package property

import "strings"

// stateKeyPrefix is where set_property stores. Source: Envoy filters/common/expr/cel_state.h CelStateKeyPrefix.
const stateKeyPrefix = "wasm."

// Path is a path of get_property or set_property, split into its parts.
type Path struct {
	Text   string // its parts are separated by NUL
	Top    string // the first part
	Rest   string // what follows it
	Nested bool   // something follows
	Dotted string // as tests write it: without the NUL after the last part, which the C++ SDK sends
	// StateKey is where set_property stores, and TopStateKey where get_property looks.
	StateKey, TopStateKey string
}

func NewPath(text string) *Path {
	p := &Path{Text: text, Dotted: strings.ReplaceAll(strings.TrimSuffix(text, "\x00"), "\x00", "."), StateKey: stateKeyPrefix + text}
	p.Top, p.Rest, p.Nested = strings.Cut(strings.TrimSuffix(text, "\x00"), "\x00")
	p.TopStateKey = stateKeyPrefix + p.Top
	return p
}

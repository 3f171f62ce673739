package policy

import "slices"

// Place is where a key may come: in a header or in a query parameter. Exactly
// one is set. A header is in lower case; a parameter is compared as it is.
type Place struct{ Header, Query string }

// Listed reports whether p is one of the places; in one copy, for it is asked in
// several places.
//
//go:noinline
func (p Place) Listed(places []Place) bool { return slices.Contains(places, p) }

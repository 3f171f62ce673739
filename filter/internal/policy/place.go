package policy

import "slices"

// Place is where a key may be: in a header or in a query parameter. Exactly one
// of the two is set. A header is in lower case; a parameter is compared as it
// is. With a scheme the key is what follows it in the header, as in
// "Authorization: ApiKey KEY" (RFC 9110 section 11.4); its letter case does not
// matter, and a header with another scheme is not a key.
type Place struct{ Header, Query, Scheme string }

// Listed reports whether p is one of the places; in one copy, because it is
// called in several places.
//
//go:noinline
func (p Place) Listed(places []Place) bool { return slices.Contains(places, p) }

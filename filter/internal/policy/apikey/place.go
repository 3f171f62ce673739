package apikey

import (
	"slices"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// Place is where a key may come: in a header or in a query parameter. Exactly
// one is set. A header is in lower case; a parameter is compared as it is.
type Place struct{ Header, Query string }

// variable is Apigee's name of the place.
func (p Place) variable() string {
	if p.Header != "" {
		return "request.header." + p.Header
	}
	return "request.queryparam." + p.Query
}

// Listed reports whether p is one of the places; in one copy, for it is asked in
// several places.
//
//go:noinline
func (p Place) Listed(places []Place) bool { return slices.Contains(places, p) }

// distinct leaves out places that say nothing or were said before, so that one
// presentation is never taken for two.
//
//go:noinline
func distinct(places []Place) []Place {
	var kept []Place
	for _, p := range places {
		if p != (Place{}) && !p.Listed(kept) {
			kept = append(kept, p)
		}
	}
	return kept
}

// presented gives the last key that came in one of the places, and how many
// came: every header line and every parameter counts, empty ones too.
func presented(x *pipeline.Exchange, places []Place) (key string, count int) {
	for _, p := range places {
		if p.Header == "" {
			if x.Query == "" {
				continue
			}
			var part string
			for left, more := x.Query, true; more; {
				part, left, more = strings.Cut(left, "&")
				name, value, _ := strings.Cut(part, "=")
				if decodesTo(name, p.Query) {
					key = keyFromQuery(value)
					count++
				}
			}
			continue
		}
		for _, line := range x.Headers {
			if line.Name == p.Header {
				key = ascii.Trim(line.Value, " \t") // optional whitespace is not part of a value (RFC 9110 section 5.5)
				count++
			}
		}
	}
	return key, count
}

// keyFromQuery decodes a parameter's value, unless it is too long for a key
// whatever it decodes to; then it is left to be refused for its length.
func keyFromQuery(value string) string {
	if len(value) > len("%XX")*MaxKeyBytes {
		return value
	}
	return decoded(value)
}

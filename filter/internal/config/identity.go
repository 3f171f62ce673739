package config

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
)

// keyHeaders are the headers in which any of the sequences looks for a key.
//
//go:noinline
func keyHeaders(sequences []*sequence) (headers []string) {
	for _, s := range sequences {
		if s == nil {
			continue
		}
		for _, place := range s.keyPlaces {
			if place.Header != "" && decode.IndexOf(headers, place.Header) < 0 {
				headers = append(headers, place.Header)
			}
		}
	}
	return headers
}

// checkIdentity refuses one header for two things. Backends that make variables
// of names must not be able to mix them up either. It adds those
// headers to the names that trailers may not have.
func (r *reader) checkIdentity(c *Config) {
	taken := map[string]string{}
	for _, key := range c.NoTrailers {
		taken[ascii.Variable(key)] = "a place of the API key"
	}
	c.Identity.Each(func(member, header string) {
		folded := ascii.Variable(header)
		if other, ok := taken[folded]; ok {
			r.ProblemAt("identity_headers."+member, "must be a header of its own, got "+decode.Quote(header)+", which is "+other)
			return
		}
		taken[folded] = "the one of " + member
		c.NoTrailers = append(c.NoTrailers, header)
	})
}

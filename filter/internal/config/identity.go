package config

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
)

// headersOf are the headers in which any of the sequences looks for a key, and
// those that any of them sets or removes, each once; tokens tells that any of
// them looks at tokens.
func headersOf(sequences []*sequence) (keys, own []string, tokens bool) {
	for _, s := range sequences {
		if s == nil {
			continue
		}
		tokens = tokens || s.takesToken
		for _, place := range s.keyPlaces {
			keys = withName(keys, place.Header)
		}
		for _, header := range s.ownHeaders {
			own = withName(own, header)
		}
	}
	return keys, own, tokens
}

// withName adds a name to a list that does not have it.
//
//go:noinline
func withName(names []string, name string) []string {
	if name == "" || decode.IndexOf(names, name) >= 0 {
		return names
	}
	return append(names, name)
}

// checkIdentity refuses one header for two purposes. Backends that turn names
// into variables must not be able to mix them up either. It adds those headers
// to the names that trailers may not have.
func (r *reader) checkIdentity(c *Config, own []string) {
	taken := map[string]string{}
	for _, key := range c.NoTrailers {
		taken[ascii.Variable(key)] = "a place for the API key"
	}
	for _, header := range own {
		taken[ascii.Variable(header)] = "used by set_headers"
	}
	c.Identity.Each(func(member, header string) {
		folded := ascii.Variable(header)
		if other, ok := taken[folded]; ok {
			r.ProblemAt("identity_headers."+member, "must be a header of its own, got "+decode.Quote(header)+", which is "+other)
			return
		}
		taken[folded] = "used by " + member
		c.NoTrailers = withName(c.NoTrailers, header)
	})
	for _, header := range own {
		c.NoTrailers = withName(c.NoTrailers, header)
	}
}

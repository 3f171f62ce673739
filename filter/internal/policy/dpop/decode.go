package dpop

import (
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/jose"
)

// Bounds and defaults of introspect_token.dpop.
const (
	// A proof is made for one request and sent at once.
	defaultProofAge = time.Minute
	minProofAge     = time.Second
	maxProofAge     = 5 * time.Minute

	// Clients' clocks are worse than servers'.
	defaultProofSkew = 5 * time.Second
	maxProofSkew     = time.Minute

	// An entry takes 24 bytes, once in a proxy.
	defaultReplayEntries = 1 << 14
	minReplayEntries     = 1 << 10
)

var optionMembers = decode.Members{Names: []string{"required", "algorithms", "max_age", "clock_skew", "replay_entries"}}

// Decode reads the options of introspect_token.dpop. required refuses tokens
// with the scheme Bearer.
func Decode(r *decode.Reader, v decode.Value) (o *Options, required bool) {
	o = &Options{
		Algorithms: []jose.Algorithm{jose.ES256, jose.RS256},
		MaxAge:     defaultProofAge, Skew: defaultProofSkew, Entries: defaultReplayEntries,
	}
	r.Object(v, &optionMembers, func(name string, v decode.Value) {
		switch name {
		case "required":
			required = r.Boolean(v)
		case "algorithms":
			o.Algorithms = DecodeAlgorithms(r, v)
		case "max_age":
			o.MaxAge = r.Duration(v, minProofAge, maxProofAge)
		case "clock_skew":
			o.Skew = r.Duration(v, 0, maxProofSkew)
		case "replay_entries":
			o.Entries = r.Integer(v, minReplayEntries, MaxEntries)
		}
	})
	return o, required
}

// DecodeAlgorithms reads a list of signature algorithms, at least one.
func DecodeAlgorithms(r *decode.Reader, v decode.Value) (list []jose.Algorithm) {
	items := 0
	r.List(v, len(jose.Algorithms), func(v decode.Value) {
		items++
		if i, ok := r.Word(v, jose.Algorithms...); ok {
			list = append(list, jose.Algorithm(i+1))
		}
	})
	if items == 0 && v.IsList() {
		r.Problem("must name at least one of " + strings.Join(jose.Algorithms, " and "))
	}
	return list
}

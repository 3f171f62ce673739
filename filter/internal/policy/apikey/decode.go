package apikey

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
)

const (
	// maxPlaces bounds where a key is looked for, with every request.
	maxPlaces    = 8
	maxQueryName = 64
	maxScheme    = 64
)

var (
	verifyMembers = decode.Members{Names: []string{"from"}, Required: 1}
	removeMembers = decode.Members{Names: []string{"from"}}
	placeMembers  = decode.Members{Names: []string{"header", "query", "scheme"}}
)

// Verify is verify_api_key.
type Verify struct{}

// Decode implements policy.Kind.
func (*Verify) Decode(r *decode.Reader, v decode.Value, p *policy.Plan) {
	if decodeFrom(r, v, &verifyMembers, p) {
		places := p.KeyPlaces
		p.Build = func(site *policy.Site) pipeline.Step { return NewVerify(site.Catalog, places) }
	}
}

// Remove is remove_api_key. It removes the key from its own places and from all
// those of every other step of the sequence: a key that was verified cannot be
// forgotten in one of them.
type Remove struct{}

// Decode implements policy.Kind.
func (*Remove) Decode(r *decode.Reader, v decode.Value, p *policy.Plan) {
	if decodeFrom(r, v, &removeMembers, p) {
		p.Build = func(site *policy.Site) pipeline.Step { return NewRemove(site.KeyPlaces) }
	}
}

// decodeFrom reads the only member of both.
//
//go:noinline
func decodeFrom(r *decode.Reader, v decode.Value, m *decode.Members, p *policy.Plan) bool {
	return p.Options(r, v, m, func(_ string, v decode.Value) { p.KeyPlaces = readPlaces(r, v) })
}

// noKeyHeaders carry other things than a key, which removing it would take
// away.
var noKeyHeaders = []string{"cookie", "forwarded", "via", "x-request-id"}

// authorization carries a key only after a scheme.
const authorization = "authorization"

// readPlaces reads [{header: NAME}, {header: NAME, scheme: SCHEME}, {query: NAME}].
func readPlaces(r *decode.Reader, v decode.Value) (places []policy.Place) {
	r.List(v, maxPlaces, func(v decode.Value) {
		count, schemed := 0, false
		var place policy.Place
		if !r.Object(v, &placeMembers, func(name string, v decode.Value) {
			switch name {
			case "scheme":
				place.Scheme, schemed = scheme(r, v), true
				return
			case "header":
				place.Header = r.HeaderName(v, noKeyHeaders)
			case "query":
				place.Query = queryName(r, v)
			}
			count++
		}) {
			return
		}
		if count != 1 {
			r.Problem("must be either {header: NAME} or {query: NAME}")
			return
		}
		switch {
		case schemed && place.Query != "":
			r.ProblemAt("scheme", "must be left out for a query parameter")
		case !schemed && place.Header == authorization:
			r.ProblemAt("header", "must come with the scheme that precedes the key, as in {header: authorization, scheme: ApiKey}")
		}
		if place.Listed(places) && place != (policy.Place{}) {
			r.Problem("must be listed only once")
			return
		}
		places = append(places, place)
	})
	if len(places) == 0 && v.IsList() {
		r.Problem("must have at least one place, such as {header: x-api-key}")
	}
	return places
}

// queryName accepts names that look the same before and after decoding.
func queryName(r *decode.Reader, v decode.Value) string {
	s, ok := r.Text(v)
	if !ok {
		return ""
	}
	if len(s) > maxQueryName || !decode.Spelled(s, "-._~") {
		r.Got(`must be the name of a query parameter, of letters, digits, "-", ".", "_" and "~"`, s)
		return ""
	}
	return s
}

// scheme reads the scheme of credentials, whose letter case does not matter
// (RFC 9110 section 11.1).
func scheme(r *decode.Reader, v decode.Value) string {
	s, ok := r.Text(v)
	if !ok {
		return ""
	}
	if len(s) > maxScheme || !decode.Spelled(s, decode.TokenSigns) {
		r.Got("must be the scheme of credentials, such as ApiKey", s)
		return ""
	}
	return ascii.Lower(s)
}

package config

import (
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/catalog"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/apikey"
)

// maxKeyPlaces bounds where a key is looked for, with every request.
const maxKeyPlaces = 8

var (
	verifyMembers = members{names: []string{"from", enabled, dryRun, onError}, required: 1}
	removeMembers = members{names: []string{"from", enabled, dryRun, onError}}
	placeMembers  = members{names: []string{"header", "query"}}
)

func (r *reader) verifyAPIKey(v value, p *plan, s *sequence) {
	var places []apikey.Place
	ok := r.object(v, &verifyMembers, func(name string, v value) {
		if name != "from" {
			r.common(name, v, p)
			return
		}
		places = r.places(v)
	})
	if !ok {
		return
	}
	s.addPlaces(places)
	p.build = func(c *catalog.Catalog, _ Ports, _ string) pipeline.Step { return apikey.NewVerify(c, places) }
}

// removeAPIKey removes the key from its own places and from all those of every
// verify_api_key of the sequence, which are known when the step is built: there
// is no way to have a key verified and forget it in a place.
func (r *reader) removeAPIKey(v value, p *plan, s *sequence) {
	ok := r.object(v, &removeMembers, func(name string, v value) {
		if name != "from" {
			r.common(name, v, p)
			return
		}
		s.addPlaces(r.places(v))
	})
	if !ok {
		return
	}
	p.build = func(*catalog.Catalog, Ports, string) pipeline.Step { return apikey.NewRemove(s.keyPlaces) }
}

//go:noinline
func (s *sequence) addPlaces(places []apikey.Place) {
	for _, place := range places {
		if !place.Listed(s.keyPlaces) {
			s.keyPlaces = append(s.keyPlaces, place)
		}
	}
}

// places reads [{header: NAME}, {query: NAME}].
func (r *reader) places(v value) (places []apikey.Place) {
	r.list(v, maxKeyPlaces, func(v value) {
		count := 0
		var place apikey.Place
		if !r.object(v, &placeMembers, func(name string, v value) {
			count++
			switch name {
			case "header":
				place.Header = r.headerName(v, noKeyHeaders)
			case "query":
				place.Query = r.queryName(v)
			}
		}) {
			return
		}
		if count != 1 {
			r.problem("must be either {header: NAME} or {query: NAME}")
			return
		}
		if place.Listed(places) && place != (apikey.Place{}) {
			r.problem("must be listed once, got it again")
			return
		}
		places = append(places, place)
	})
	if len(places) == 0 && v.isList() {
		r.problem("must have at least one place, such as {header: x-api-key}")
	}
	return places
}

const maxQueryName = 64

// queryName accepts names that look the same before and after decoding.
func (r *reader) queryName(v value) string {
	s, ok := r.text(v)
	if !ok {
		return ""
	}
	plain := s != "" && len(s) <= maxQueryName
	for _, c := range []byte(s) {
		plain = plain && (isAlphanumeric(c) || strings.IndexByte("-._~", c) >= 0)
	}
	if !plain {
		r.got(`must be the name of a query parameter, of letters, digits, "-", ".", "_" and "~"`, s)
		return ""
	}
	return s
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

package apikey

import (
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
)

type remove struct {
	headers, parameters []string
	schemes             []policy.Place // headers of which only a value with the scheme is a key
}

// NewRemove makes the step that keeps every key in one of the places from the
// backend, whether it was verified or not. It never refuses. A header is removed
// in every spelling that a backend could take for it: verify_api_key reads only
// the one that is configured, so another is a key in the wrong place, or a value
// that somebody wants the backend to take for one.
func NewRemove(places []policy.Place) pipeline.Step {
	r := &remove{}
	for _, p := range distinct(places) {
		switch {
		case p.Scheme != "":
			r.schemes = append(r.schemes, p)
		case p.Header != "":
			r.headers = append(r.headers, p.Header)
		default:
			r.parameters = append(r.parameters, p.Query)
		}
	}
	return r
}

// Name implements pipeline.Step.
func (r *remove) Name() string { return "remove_api_key" }

// Apply implements pipeline.Step.
func (r *remove) Apply(x *pipeline.Exchange) pipeline.Outcome {
	for i := range x.Headers {
		sent := x.Headers[i].Name
		for _, header := range r.headers {
			if len(sent) == len(header) && ascii.SameVariable(sent, header) {
				x.Edits.RemoveHeader(sent)
			}
		}
	}
	for i := range r.schemes {
		removeScheme(r.schemes[i], x)
	}
	query := x.Query
	if x.Edits.QueryChanged {
		query = x.Edits.Query
	}
	if query == "" || len(r.parameters) == 0 {
		return pipeline.Continue()
	}
	if edited, changed := without(query, r.parameters); changed {
		x.Edits.Query, x.Edits.QueryChanged = edited, true
	}
	return pipeline.Continue()
}

// removeScheme removes every spelling of the header that has a key in any of
// its lines. With another scheme, such as a token's, the header does not carry
// a key.
func removeScheme(p policy.Place, x *pipeline.Exchange) {
	for i := range x.Headers {
		sent := &x.Headers[i]
		if !ascii.SameVariable(sent.Name, p.Header) {
			continue
		}
		for value, more := sent.Value, true; more; {
			var element string
			element, value, more = strings.Cut(value, ",")
			if _, ok := cutScheme(element, p.Scheme); ok {
				x.Edits.RemoveHeader(sent.Name)
				break
			}
		}
	}
}

var _ pipeline.Step = (*remove)(nil)

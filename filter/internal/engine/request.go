package engine

import (
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/catalog"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// maxTarget bounds the request target. Envoy's own bound for all headers
// together is 60 KiB.
const maxTarget = 16 << 10

// begin reads the request into the exchange and finds its API and sequence.
func (s *Stream) begin() (denial.Reason, bool) {
	x := &s.exchange
	if s.engine.config == nil {
		return denial.Internal, false
	}
	headers, ok := s.engine.host.RequestHeaders()
	if !ok {
		return denial.Internal, false
	}
	x.Headers = headers
	if !readPseudoHeaders(x) {
		return denial.RequestMalformed, false
	}
	index, suffix, match := s.engine.config.Catalog.ResolveAPI(x.Authority, x.Path)
	if match == catalog.AmbiguousAPI {
		return denial.PathAmbiguous, false
	}
	if match != catalog.ResolvedAPI {
		return denial.APIUnknown, false
	}
	api := s.engine.config.Catalog.APIAt(index)
	x.API = pipeline.API{Name: api.Name, Version: api.Version, PathSuffix: suffix}
	x.Client = s.engine.client
	s.run.Begin(s.engine.sequences[index])
	return 0, true
}

// readPseudoHeaders fills in what a request line says. Each of the three must
// be there exactly once, and the target must be a path: "*" and CONNECT's
// authority belong to no API (RFC 9113 section 8.3.1).
func readPseudoHeaders(x *pipeline.Exchange) bool {
	var target string
	paths, methods, authorities := 0, 0, 0
	for i := range x.Headers {
		h := &x.Headers[i]
		if h.Name == "" || h.Name[0] != ':' {
			continue
		}
		switch h.Name {
		case ":path":
			target = h.Value
			paths++
		case ":method":
			x.Method = h.Value
			methods++
		case ":authority":
			x.Authority = h.Value
			authorities++
		}
	}
	if paths != 1 || methods != 1 || authorities != 1 || len(target) > maxTarget || !strings.HasPrefix(target, "/") {
		return false
	}
	x.Path, x.Query, x.HasQuery = strings.Cut(target, "?")
	return x.Method != "" && x.Authority != ""
}

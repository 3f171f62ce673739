package engine

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/identity"
)

// OnRequestTrailers holds trailers back as OnRequestBody does the body, and
// removes from them what no client may tell the backend: recipients may merge
// trailers into the headers (RFC 9110 section 6.5.1). A host does not ask about
// requests that have none.
func (s *Stream) OnRequestTrailers() Action {
	if (s.phase == deciding || s.phase == admitted) && !s.cleanTrailers() {
		return s.cut()
	}
	return s.hold()
}

// cleanTrailers removes the identity headers, and the API key in every spelling.
// A key is never looked for in a trailer, so it is removed whatever the API's
// own sequence does with it.
func (s *Stream) cleanTrailers() bool {
	sent, ok := s.engine.host.RequestTrailers()
	if !ok {
		return false
	}
	for _, t := range sent {
		if identity.Forged(t.Name, s.engine.config.NoTrailers) && !s.engine.host.RemoveTrailer(t.Name) {
			return false
		}
	}
	return true
}

// cut ends a request whose trailers cannot be read or changed. The backend may
// have the rest of it already, but never gets its end.
func (s *Stream) cut() Action {
	if s.phase == deciding {
		return s.fail()
	}
	s.engine.host.Reply(s.engine.refusals.Render(denial.Denial{}), denial.Internal.String())
	s.engine.say(denial.Internal, "cut off a request whose trailers the host did not provide: ", &s.exchange)
	return Pause
}

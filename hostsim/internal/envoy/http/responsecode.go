package http

import (
	"fmt"
	"strconv"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/header"
)

const badRequest = 400

// statusOf reads :status as Envoy does: digits only. Source: Envoy Utility::getResponseStatusOrNullopt.
func statusOf(m *header.Map) (code int, ok bool) {
	value, _ := m.Get(":status")
	n, err := strconv.ParseUint(value, 10, 31)
	return int(n), err == nil
}

// IsInterim: a client takes the response for one before the final one. IsNoStatus: it does not take it for a response
// at all.
func IsInterim(code int) bool  { return 100 <= code && code < 200 }
func IsNoStatus(code int) bool { return code < 100 || code > 999 }

// checkStatus reports it when a client cannot take the status that is sent for that of a response.
func (s *Stream) checkStatus(code int) {
	switch {
	case IsInterim(code):
		s.misframe(fmt.Sprintf("response to the client with status %d: the client takes it for an interim response and waits for the final one", code))
	case IsNoStatus(code):
		s.misframe(fmt.Sprintf("response to the client with status %d, which is not an HTTP status: the client gives up the connection", code))
	}
}

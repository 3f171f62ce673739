package hostsim

import (
	"fmt"
	"net/http"
	"strconv"
)

const badRequest = http.StatusBadRequest

// setDetails sets the response code details. They may be empty, which is not the same as none.
func (s *httpStream) setDetails(details string) { s.details, s.detailed = details, true }

func (s *httpStream) setCode(code int) { s.responseCode, s.hasCode = code, true }

// statusOf reads :status as Envoy does: digits only. Source: Envoy Utility::getResponseStatusOrNullopt.
func statusOf(m *headerMap) (code int, ok bool) {
	value, _ := m.get(":status")
	n, err := strconv.ParseUint(value, 10, 31)
	return int(n), err == nil
}

// isInterim: a client takes the response for one before the final one. isNoStatus: it takes it for none at all.
func isInterim(code int) bool  { return 100 <= code && code < 200 }
func isNoStatus(code int) bool { return code < 100 || code > 999 }

// checkStatus says so when a client cannot make a response of the status that goes out.
func (s *httpStream) checkStatus(code int) {
	switch {
	case isInterim(code):
		s.misframe(fmt.Sprintf("response to the client with status %d: the client takes it for an interim response and waits for the final one", code))
	case isNoStatus(code):
		s.misframe(fmt.Sprintf("response to the client with status %d, which is no HTTP status: the client gives up the connection", code))
	}
}

package http

import (
	"fmt"
	"strings"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/header"
)

// What is said about a message with a stale content-length, by what its receiver does.
const (
	backendAwaits = "the backend waits for the rest until the route's timeout"
	backendReads  = "the backend reads the excess as the beginning of the next request"
	clientAwaits  = "the client waits for the rest"
	clientReads   = "the client takes the excess for the beginning of the next response"
)

// checkLength reports it when the message that has been sent has a stale content-length.
func (s *Stream) checkLength(message string, f *header.Framing, awaits, reads string) {
	if !f.Stale() {
		return
	}
	if f.Awaits() == 0 {
		awaits = reads
	}
	s.misframe(fmt.Sprintf("%s with content-length %d and a body of %d bytes: %s", message, f.Declared, f.Sent, awaits))
}

// misframe reports what is wrong with a message, in the exchange and in the log.
func (s *Stream) misframe(what string) {
	s = s.first()
	s.Misframed = append(s.Misframed, what)
	s.Host.Log(s.Thread.Index, abi.LevelError, what, true)
}

// IsHTTP1 is true for a client whose messages are framed by content-length.
func (s *Stream) IsHTTP1() bool { return strings.HasPrefix(s.Info.Protocol, "HTTP/1.") }

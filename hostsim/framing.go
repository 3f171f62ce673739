package hostsim

import (
	"fmt"
	"strconv"
	"strings"
)

// framing is how long a message's body is over HTTP/1: as its content-length promises, and as it is sent. Envoy sends
// both as the filters leave them. Source: Envoy source/common/http/http1/codec_impl.cc StreamEncoderImpl::encodeHeadersBase.
type framing struct {
	declared int // -1 when the end of the body shows where it ends, or there can be none
	sent     int
}

// declaredIn reads content-length. A value that is no number promises nothing: what a peer makes of it is its own affair.
func declaredIn(h Headers) framing {
	value, _ := h.Get("content-length")
	n, err := strconv.Atoi(value)
	if _, chunked := h.Get("transfer-encoding"); chunked || err != nil || n < 0 {
		n = -1
	}
	return framing{declared: n}
}

// declaredByResponse is declaredIn for a response. One of 204 or 304 has no body by rule, whatever it declares and
// whatever is sent; of one to HEAD Envoy sends none.
func declaredByResponse(h Headers, toHead bool) framing {
	status, _ := h.Get(":status")
	switch {
	case toHead:
		return framing{declared: -1}
	case status == "204" || status == "304":
		return framing{}
	}
	return declaredIn(h)
}

// send divides data into what the peer takes for the body, and what it does not.
func (f *framing) send(data []byte) (body, excess []byte) {
	room := len(data)
	if f.declared >= 0 {
		room = min(room, max(f.declared-f.sent, 0))
	}
	f.sent += len(data)
	return data[:room], data[room:]
}

// awaits is how many bytes the peer waits for when everything is sent.
func (f *framing) awaits() int { return max(f.declared-f.sent, 0) }

// stale is true when the body that was sent is not as long as content-length says.
func (f *framing) stale() bool { return f.declared >= 0 && f.declared != f.sent }

// What is said of a message with a stale content-length, by what its receiver does.
const (
	backendAwaits = "the backend waits for the rest until the route's timeout"
	backendReads  = "the backend reads what is too much as the beginning of the next request"
	clientAwaits  = "the client waits for the rest"
	clientReads   = "the client takes what is too much for the beginning of the next response"
	serverAwaits  = "the server waits for it until the timeout of the call"
)

// checkLength says so when the message that has been sent has a stale content-length.
func (s *httpStream) checkLength(message string, f *framing, awaits, reads string) {
	if !f.stale() {
		return
	}
	if f.awaits() == 0 {
		awaits = reads
	}
	s.misframe(fmt.Sprintf("%s with content-length %d and a body of %d bytes: %s", message, f.declared, f.sent, awaits))
}

// misframe says what is wrong with a message, in the exchange and in the log.
func (s *httpStream) misframe(what string) {
	s.misframed = append(s.misframed, what)
	s.host.log(s.thread.Index, LevelError, what, true)
}

// misframedCall says what is wrong with a call that the server awaits more of. The host makes content-length right when there
// is a body.
func misframedCall(c *Call) string {
	length, _ := c.Headers.Get("content-length")
	return fmt.Sprintf("call to %s with content-length %s and without a body: %s", c.Cluster, length, serverAwaits)
}

// isHTTP1 is true for a client whose messages are framed by content-length.
func (s *httpStream) isHTTP1() bool { return strings.HasPrefix(s.info.Protocol, "HTTP/1.") }

package header

import (
	"strconv"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

// Framing is how long a message's body is over HTTP/1: as its content-length promises, and as it was sent. Envoy sends
// both as the filters leave them. Source: Envoy source/common/http/http1/codec_impl.cc
// StreamEncoderImpl::encodeHeadersBase.
type Framing struct {
	Declared int // -1 when the end of the body shows where it ends, or there can be none
	Sent     int
	// Unread: the peer takes the body for chunks, which it is not, and waits for one.
	Unread bool
}

// DeclaredIn reads content-length. A value that is not a number promises nothing: what a peer makes of it is up to the
// peer.
// A transfer-encoding is the plugin's: Envoy adds its own when it sends chunks, which it does without a content-length.
func DeclaredIn(h abi.Headers, end bool) Framing {
	value, ok := h.Get("content-length")
	if _, chunked := h.Get("transfer-encoding"); chunked {
		return Framing{Declared: -1, Unread: ok || end}
	}
	if !ok {
		return Framing{Declared: -1}
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 {
		n = -1
	}
	return Framing{Declared: n}
}

// DeclaredByResponse is DeclaredIn for a response. One to HEAD, or with status 204 or 304, has no body by rule, whatever it
// declares and whatever is sent.
func DeclaredByResponse(h abi.Headers, toHead bool) Framing {
	if status, _ := h.Get(":status"); toHead || status == "204" || status == "304" {
		return Framing{}
	}
	return DeclaredIn(h, false)
}

// Send divides data into what the peer takes for the body, and what it does not.
func (f *Framing) Send(data []byte) (body, excess []byte) {
	room := len(data)
	if f.Declared >= 0 {
		room = min(room, max(f.Declared-f.Sent, 0))
	}
	f.Sent += len(data)
	return data[:room], data[room:]
}

// Awaits is how many bytes the peer waits for when everything is sent.
func (f *Framing) Awaits() int {
	if f.Unread {
		return 1
	}
	return max(f.Declared-f.Sent, 0)
}

// Stale is true when the body that was sent is not as long as content-length says.
func (f *Framing) Stale() bool { return f.Unread || f.Declared >= 0 && f.Declared != f.Sent }

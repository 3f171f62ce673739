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
}

// DeclaredIn reads content-length. A value that is not a number promises nothing: what a peer makes of it is up to the
// peer.
func DeclaredIn(h abi.Headers) Framing {
	value, ok := h.Get("content-length")
	if !ok {
		return Framing{Declared: -1}
	}
	n, err := strconv.Atoi(value)
	if _, chunked := h.Get("transfer-encoding"); chunked || err != nil || n < 0 {
		n = -1
	}
	return Framing{Declared: n}
}

// DeclaredByResponse is DeclaredIn for a response. By rule a 204 or 304 has no body, whatever it declares and whatever
// is sent; in answer to HEAD Envoy sends none.
func DeclaredByResponse(h abi.Headers, toHead bool) Framing {
	status, _ := h.Get(":status")
	switch {
	case toHead:
		return Framing{Declared: -1}
	case status == "204" || status == "304":
		return Framing{}
	}
	return DeclaredIn(h)
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
func (f *Framing) Awaits() int { return max(f.Declared-f.Sent, 0) }

// Stale is true when the body that was sent is not as long as content-length says.
func (f *Framing) Stale() bool { return f.Declared >= 0 && f.Declared != f.Sent }

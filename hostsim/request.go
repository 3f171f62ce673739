package hostsim

import (
	"strconv"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/header"
)

// Request is what a client sends.
type Request struct {
	Method    string // GET unless given
	Path      string // path and query as on the wire, "/" unless given
	Authority string // the Host header, "example.com" unless given
	// NoAuthority leaves the Host header out.
	NoAuthority bool
	Headers     abi.Headers
	Body        []byte
	Trailers    abi.Headers
	// Worker takes the request, counted from 0.
	Worker int
	// Info is about the connection.
	Info StreamInfo
	// ClientGoneAfter: the client leaves after this long; 0 means that it stays.
	ClientGoneAfter time.Duration
	// BodyIn says how the body arrives: in pieces of this many bytes; 0 means in one piece. As in Envoy's HTTP/1 codec, an
	// empty piece with the end of the stream follows.
	BodyIn int
}

// send feeds the request; a stream that ends meanwhile takes no more.
func (e *exchange) send() {
	r := &e.request
	promised := header.DeclaredIn(r.Headers)
	promised.Send(r.Body)
	if promised.Awaits() > 0 { // the client does not send what it has promised
		if e.stream.RequestHeaders(r.headers(), false) == nil && len(r.Body) > 0 {
			_ = e.stream.RequestBody(r.Body, false) // the only error is that the stream is over
		}
		return
	}
	end := len(r.Body) == 0 && len(r.Trailers) == 0
	if err := e.stream.RequestHeaders(r.headers(), end); err != nil || end {
		return
	}
	piece := r.BodyIn
	if piece <= 0 {
		piece = max(len(r.Body), 1)
	}
	for body := r.Body; len(body) > 0; {
		n := min(piece, len(body))
		if e.stream.RequestBody(body[:n], false) != nil {
			return
		}
		body = body[n:]
	}
	if len(r.Trailers) > 0 {
		_ = e.stream.RequestTrailers(r.Trailers) // the only error is that the stream is over
		return
	}
	_ = e.stream.RequestBody(nil, true)
}

// headers are the request's on the wire.
func (r *Request) headers() abi.Headers {
	h := make(abi.Headers, 0, len(r.Headers)+4) // :method, :path, :authority, content-length
	h = append(h, abi.Header{Name: ":method", Value: orElse(r.Method, "GET")}, abi.Header{Name: ":path", Value: orElse(r.Path, "/")})
	if !r.NoAuthority {
		h = append(h, abi.Header{Name: ":authority", Value: orElse(r.Authority, "example.com")})
	}
	h = append(h, r.Headers...)
	if _, ok := r.Headers.Get("content-length"); !ok && len(r.Body) > 0 && len(r.Trailers) == 0 {
		h = append(h, abi.Header{Name: "content-length", Value: strconv.Itoa(len(r.Body))})
	}
	return h
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

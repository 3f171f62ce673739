package http

import (
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
)

// RequestMetadata feeds an HTTP/2 METADATA frame of the client. The guest learns how many entries it has; it cannot
// read them, and the frame goes no further. Source: Envoy context.cc decodeMetadata.
func (s *Stream) RequestMetadata(h abi.Headers) error {
	return s.feed(func() { s.metadata(wasmhost.OnRequestMetadata, h, false) })
}

// ResponseMetadata is RequestMetadata for a frame of the backend. Source: Envoy context.cc encodeMetadata.
func (s *Stream) ResponseMetadata(h abi.Headers) error {
	return s.feed(func() { s.metadata(wasmhost.OnResponseMetadata, h, s.failedOnce) })
}

func (s *Stream) metadata(cb wasmhost.Callback, h abi.Headers, skip bool) {
	c := s.ctx
	if c == nil || !s.requestStarted || skip || s.checkFailed(c) {
		return
	}
	c.Callback(cb, c.ID(), uint32(len(h)))
	s.checkFailed(c)
}

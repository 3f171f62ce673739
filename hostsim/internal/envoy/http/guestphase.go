package http

import (
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/header"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
)

// guestHeaders asks the guest about headers. Source: proxy-wasm-cpp-host src/context.cc onRequestHeaders,
// convertVmCallResultToFilterHeadersStatus.
func (s *Stream) guestHeaders(c *streamContext, cb wasmhost.Callback, m *header.Map, end bool) filterStatus {
	if c.PassesCrashed() {
		return filterContinue
	}
	if s.checkFailed(c) {
		return filterStopAll
	}
	if !c.Guest.Has(cb) {
		return filterContinue
	}
	action, _ := c.Guest.Invoke(c, cb, c.ID(), uint32(m.Size()), envoy.BoolU32(end))
	var status filterStatus
	switch {
	case c.PassesCrashed():
		status = filterContinue
	case s.checkFailed(c), c.Guest.StopNext(), action > 4:
		status = filterStopAll
	case action == 1 && !s.Host.Config.AllowStopIteration:
		status = filterStopAll
	case action == 0:
		status = filterContinue
	case action == 1:
		status = filterStop
	default:
		status = filterStopAll
	}
	c.Guest.AfterCall()
	return status
}

// guestData asks the guest about body data.
func (s *Stream) guestData(c *streamContext, cb wasmhost.Callback, size int, end bool) filterStatus {
	if c.PassesCrashed() {
		return filterContinue
	}
	if s.checkFailed(c) {
		return filterStopNoBuffer
	}
	if !c.Guest.Has(cb) {
		return filterContinue
	}
	action, _ := c.Guest.Invoke(c, cb, c.ID(), uint32(size), envoy.BoolU32(end))
	var status filterStatus
	switch {
	case c.PassesCrashed():
		status = filterContinue
	case s.checkFailed(c), c.Guest.StopNext(), action > 2:
		status = filterStopNoBuffer
	case action == 0:
		status = filterContinue
	default:
		status = filterStopBuffer
	}
	c.Guest.AfterCall()
	return status
}

// guestTrailers asks the guest about trailers.
func (s *Stream) guestTrailers(c *streamContext, cb wasmhost.Callback, m *header.Map) filterStatus {
	if c.PassesCrashed() {
		return filterContinue
	}
	if s.checkFailed(c) {
		return filterStop
	}
	if !c.Guest.Has(cb) {
		return filterContinue
	}
	action, _ := c.Guest.Invoke(c, cb, c.ID(), uint32(m.Size()))
	status := filterStop
	if c.PassesCrashed() || !s.checkFailed(c) && !c.Guest.StopNext() && action == 0 {
		status = filterContinue
	}
	c.Guest.AfterCall()
	return status
}

// checkFailed is true when the VM has crashed; the first time it answers 503 for the stream.
// Source: proxy-wasm-cpp-host CHECK_FAIL; Envoy context.cc failStream.
func (s *Stream) checkFailed(c *streamContext) bool {
	if !c.Guest.Failed() {
		return false
	}
	if !s.failedOnce {
		s.failedOnce = true
		s.localReply(&localReply{status: 503, details: "wasm_fail_stream", grpc: envoy.GRPCUnavailable})
	}
	return true
}

package http

import (
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/header"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
)

// skipped: this direction passes without the plugin. The 503 for its own crash is not shown to it.
func (s *Stream) skipped(d *side) bool {
	return s.ctx == nil || !s.requestStarted || d == &s.encode && s.failedOnce
}

// pluginHeaders is the plugin's decodeHeaders or encodeHeaders.
func (s *Stream) pluginHeaders(d *side, cb wasmhost.Callback, m *header.Map, end bool) filterStatus {
	if s.skipped(d) {
		return filterContinue
	}
	d.seenHeaders, s.endOfStream = m, end
	status := s.guestHeaders(s.ctx, cb, m, end)
	if status == filterContinue {
		d.seenHeaders = nil
	}
	return status
}

// pluginData is the plugin's decodeData or encodeData.
func (s *Stream) pluginData(d *side, cb wasmhost.Callback, data *[]byte, end bool) filterStatus {
	if s.skipped(d) {
		return filterContinue
	}
	c := s.ctx // it may end when what is held back is too much
	if d.buffering {
		if d == &s.decode {
			s.bufferRequest(*data)
		} else {
			s.bufferResponse(*data)
		}
		*data = nil
		if s.Over || d.aborted {
			return filterStopBuffer
		}
		d.seenBody = &d.buffered
	} else {
		d.seenBody = data
	}
	s.endOfStream = end
	status := s.guestData(c, cb, len(*d.seenBody), end)
	d.buffering = status == filterStopBuffer
	if status == filterContinue {
		d.seenBody = nil
	} else if d.buffering {
		d.seenBody = &d.buffered
	}
	return status
}

// pluginTrailers is the plugin's decodeTrailers or encodeTrailers.
func (s *Stream) pluginTrailers(d *side, cb wasmhost.Callback) filterStatus {
	if s.skipped(d) {
		return filterContinue
	}
	d.seenTrailers = d.trailers
	status := s.guestTrailers(s.ctx, cb, d.trailers)
	if status == filterContinue {
		d.seenTrailers = nil
	}
	return status
}

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

// checkFailed is true when the VM has crashed; the first time it answers the stream with 503.
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

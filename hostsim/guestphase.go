package hostsim

// guestHeaders asks the guest about headers. Source: proxy-wasm-cpp-host src/context.cc onRequestHeaders,
// convertVmCallResultToFilterHeadersStatus.
func (s *httpStream) guestHeaders(c *streamContext, cb callback, m *headerMap, end bool) filterStatus {
	if c.passesCrashed() {
		return filterContinue
	}
	if s.checkFailed(c) {
		return filterStopAll
	}
	if !c.guest.Has(cb) {
		return filterContinue
	}
	action, _ := c.guest.Invoke(c, cb, c.id, uint32(m.size()), boolU32(end))
	var status filterStatus
	switch {
	case c.passesCrashed():
		status = filterContinue
	case s.checkFailed(c), c.guest.StopNext(), action > 4:
		status = filterStopAll
	case action == 1 && !s.host.config.allowStopIteration:
		status = filterStopAll
	case action == 0:
		status = filterContinue
	case action == 1:
		status = filterStop
	default:
		status = filterStopAll
	}
	c.guest.AfterCall()
	return status
}

// guestData asks the guest about body data.
func (s *httpStream) guestData(c *streamContext, cb callback, size int, end bool) filterStatus {
	if c.passesCrashed() {
		return filterContinue
	}
	if s.checkFailed(c) {
		return filterStopNoBuffer
	}
	if !c.guest.Has(cb) {
		return filterContinue
	}
	action, _ := c.guest.Invoke(c, cb, c.id, uint32(size), boolU32(end))
	var status filterStatus
	switch {
	case c.passesCrashed():
		status = filterContinue
	case s.checkFailed(c), c.guest.StopNext(), action > 2:
		status = filterStopNoBuffer
	case action == 0:
		status = filterContinue
	default:
		status = filterStopBuffer
	}
	c.guest.AfterCall()
	return status
}

// guestTrailers asks the guest about trailers.
func (s *httpStream) guestTrailers(c *streamContext, cb callback, m *headerMap) filterStatus {
	if c.passesCrashed() {
		return filterContinue
	}
	if s.checkFailed(c) {
		return filterStop
	}
	if !c.guest.Has(cb) {
		return filterContinue
	}
	action, _ := c.guest.Invoke(c, cb, c.id, uint32(m.size()))
	status := filterStop
	if c.passesCrashed() || !s.checkFailed(c) && !c.guest.StopNext() && action == 0 {
		status = filterContinue
	}
	c.guest.AfterCall()
	return status
}

func boolU32(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// checkFailed is true when the VM has crashed; the first time it answers 503 for the stream.
// Source: proxy-wasm-cpp-host CHECK_FAIL; Envoy context.cc failStream.
func (s *httpStream) checkFailed(c *streamContext) bool {
	if !c.guest.Failed() {
		return false
	}
	if !s.failedOnce {
		s.failedOnce = true
		s.localReply(&localReply{status: 503, details: "wasm_fail_stream", grpc: grpcUnavailable})
	}
	return true
}

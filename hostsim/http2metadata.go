package hostsim

// RequestMetadata feeds an HTTP/2 METADATA frame of the client. The guest is told how many entries it has; it cannot read
// them, and the frame goes no further. Source: Envoy context.cc decodeMetadata.
func (s *httpStream) RequestMetadata(h Headers) error {
	return s.feed(func() { s.metadata(onRequestMetadata, h, false) })
}

// ResponseMetadata is RequestMetadata for the backend's. Source: Envoy context.cc encodeMetadata.
func (s *httpStream) ResponseMetadata(h Headers) error {
	return s.feed(func() { s.metadata(onResponseMetadata, h, s.failedOnce) })
}

func (s *httpStream) metadata(cb callback, h Headers, skip bool) {
	c := s.ctx
	if c == nil || !s.requestStarted || skip || s.checkFailed(c) {
		return
	}
	c.callback(cb, c.id, uint32(len(h)))
	s.checkFailed(c)
}

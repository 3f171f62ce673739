package hostsim

import "strconv"

// isRead is false when there is no server that could read a request.
func isRead(a Answer) bool {
	return a.Fault != FaultUnknown && a.Fault != FaultNoEndpoints && a.Fault != FaultRefuse
}

// messageHeaders is statusHeaders as a server sends it: with the length of a body that has no other end.
func messageHeaders(a Answer) *headerMap {
	m := statusHeaders(a)
	for _, name := range []string{"content-length", "transfer-encoding"} {
		if _, ok := m.get(name); ok {
			return m
		}
	}
	if len(a.Trailers) == 0 && a.Status != 204 && a.Status != 304 {
		m.add("content-length", strconv.Itoa(len(a.Body)))
	}
	return m
}

// statusHeaders is the answer's header map, :status first.
func statusHeaders(a Answer) *headerMap {
	status := a.Status
	if status == 0 {
		status = 200
	}
	m := &headerMap{h: make(Headers, 0, len(a.Headers)+hostsOwnHeaders)}
	m.add(":status", strconv.Itoa(status))
	for _, h := range a.Headers {
		m.add(lowerName(h.Name), h.Value)
	}
	return m
}

package envoy

import (
	"strconv"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/header"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// IsRead is false when there is no server that could read a request.
func IsRead(a upstream.Answer) bool {
	return a.Fault != upstream.FaultUnknown && a.Fault != upstream.FaultNoEndpoints && a.Fault != upstream.FaultRefuse
}

// MessageHeaders is statusHeaders as a server sends it: with the length of a body that has no other end.
func MessageHeaders(a upstream.Answer) *header.Map {
	m := statusHeaders(a)
	for _, name := range []string{"content-length", "transfer-encoding"} {
		if _, ok := m.Get(name); ok {
			return m
		}
	}
	if len(a.Trailers) == 0 && a.Status != 204 && a.Status != 304 {
		m.Add("content-length", strconv.Itoa(len(a.Body)))
	}
	return m
}

// statusHeaders is the answer's header map, :status first.
func statusHeaders(a upstream.Answer) *header.Map {
	status := a.Status
	if status == 0 {
		status = 200
	}
	m := &header.Map{List: make(abi.Headers, 0, len(a.Headers)+header.HostsOwn)}
	m.Add(":status", strconv.Itoa(status))
	for _, h := range a.Headers {
		m.Add(header.LowerName(h.Name), h.Value)
	}
	return m
}

package plugin

import (
	"encoding/binary"
	"errors"
	"strconv"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/abi"
	"github.com/sallyport-gateway/sallyport/filter/internal/fault"
	"github.com/sallyport-gateway/sallyport/filter/internal/gate"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
)

// host is gate.Host over the SDK and abi, for one root context.
type host struct {
	root    uint32
	metrics map[string]uint32
}

var _ gate.Host = (*host)(nil)

func (h *host) NowNanos() int64 {
	nanos, status := abi.NowNanos()
	if status != abi.OK {
		return time.Now().UnixNano()
	}
	return nanos
}

func (h *host) RequestHeaders() ([]pipeline.Header, bool) {
	return abi.Request()
}

func (h *host) KeepRequest() { abi.KeepRequest() }

func (h *host) ClientAddress() string {
	return property(sourceAddress)
}

func (h *host) ClientCertificate() string {
	return property(certificateDigest)
}

// The properties, as the ABI writes a path.
const (
	sourceAddress     = "source\x00address"
	certificateDigest = "connection\x00sha256_peer_certificate_digest"
	responseCode      = "response\x00code" // 8 bytes, little-endian; absent when no response began
)

func property(path string) string {
	value, status := abi.Property(path)
	if status != abi.OK {
		return ""
	}
	return string(value)
}

func (h *host) RemoveHeader(name string) bool { return abi.RemoveHeader(name) == abi.OK }

func (h *host) ReplaceHeader(name, value string) bool {
	return abi.ReplaceHeader(name, value) == abi.OK
}

func (h *host) ResponseStatus() int {
	code, status := abi.Property(responseCode)
	if status != abi.OK || len(code) != 8 {
		return 0
	}
	return int(binary.LittleEndian.Uint64(code))
}

func (h *host) SetAttribute(name, value string) { abi.SetProperty(name, value) }

func (h *host) Reply(r fault.Response, details string) bool {
	return abi.SendLocalResponse(r.Status, details, r.Body, r.Headers) == abi.OK
}

func (h *host) Resume() bool              { return abi.Continue() == abi.OK }
func (h *host) Select(stream uint32) bool { return abi.SetEffectiveContext(stream) == abi.OK }

func (h *host) Log(level gate.Level, line string) {
	switch level {
	case gate.Info:
		abi.Log(abi.Info, line)
	case gate.Warn:
		abi.Log(abi.Warn, line)
	default:
		abi.Log(abi.Error, line)
	}
}

// Count implements pipeline.Metrics.
func (h *host) Count(metric string) { h.Add(metric, 1) }

// Add implements pipeline.Metrics.
func (h *host) Add(metric string, n int64) {
	if id, ok := h.metric(abi.Counter, metric); ok {
		abi.AddMetric(id, n)
	}
}

// Gauge implements pipeline.Metrics.
func (h *host) Gauge(metric string, value int64) {
	if id, ok := h.metric(abi.Gauge, metric); ok {
		abi.RecordMetric(id, value)
	}
}

// Observe implements pipeline.Metrics.
func (h *host) Observe(metric string, value int64) {
	if id, ok := h.metric(abi.Histogram, metric); ok {
		abi.RecordMetric(id, value)
	}
}

// metric defines a metric when it is first used: the host keeps whatever was
// ever defined, so what is never used costs nothing.
func (h *host) metric(kind abi.MetricType, name string) (id uint32, ok bool) {
	id, ok = h.metrics[name]
	if !ok {
		var status abi.Status
		if id, status = abi.DefineMetric(kind, name); status != abi.OK {
			return 0, false
		}
		h.metrics[name] = id
	}
	return id, true
}

// Get reads shared data; see sharedtable.Store.
func (h *host) Get(key string) ([]byte, uint32, error) {
	value, cas, status := abi.GetShared(key)
	switch status {
	case abi.OK:
		return value, cas, nil
	case abi.NotFound:
		return nil, 0, sharedtable.ErrNotFound
	}
	return nil, 0, errShared
}

// Set writes shared data; see sharedtable.Store.
func (h *host) Set(key string, value []byte, cas uint32) error {
	switch abi.SetShared(key, value, cas) {
	case abi.OK:
		return nil
	case abi.CASMismatch:
		return sharedtable.ErrCASMismatch
	}
	return errShared
}

var errShared = errors.New("the host failed")

// CallForeign calls one of the host's own functions; see gate.Host.
func (h *host) CallForeign(function string, argument []byte) (result []byte, ok bool) {
	result, status := abi.CallForeign(function, argument)
	return result, status == abi.OK
}

func (h *host) RegisterQueue(name string) (queue uint32, ok bool) {
	queue, status := abi.RegisterQueue(name)
	return queue, status == abi.OK
}

func (h *host) Enqueue(queue uint32, message []byte) bool {
	return abi.Enqueue(queue, message) == abi.OK
}

func (h *host) Dequeue(queue uint32) (message []byte, ok bool) {
	message, status := abi.Dequeue(queue)
	return message, status == abi.OK
}

func statusOf(headers []pipeline.Header) int {
	for _, h := range headers {
		if h.Name == ":status" {
			if code, err := strconv.Atoi(h.Value); err == nil {
				return code
			}
		}
	}
	return 0
}

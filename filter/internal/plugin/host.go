package plugin

import (
	"errors"
	"time"
	"unsafe"

	"github.com/sallyport-gateway/sallyport/filter/internal/abi"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/engine"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/metrics"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
)

// proxy is engine.Host over abi, for one root context.
type proxy struct{ root uint32 }

var _ engine.Host = (*proxy)(nil)

func (h *proxy) NowNanos() int64 {
	nanos, status := abi.NowNanos()
	if status != abi.OK {
		return time.Now().UnixNano()
	}
	return nanos
}

func (h *proxy) RequestHeaders() ([]host.Header, bool) {
	return abi.Request()
}

func (h *proxy) KeepRequest() { abi.KeepRequest() }

func (h *proxy) ClientAddress() string {
	return property(sourceAddress)
}

func (h *proxy) ClientCertificate() string {
	return property(certificateDigest)
}

// The properties, as the ABI writes a path.
const (
	sourceAddress     = "source\x00address"
	certificateDigest = "connection\x00sha256_peer_certificate_digest"
)

// property gives a value that is good until the next small one.
func property(path string) string {
	value, status := abi.Property(path)
	if status != abi.OK {
		return ""
	}
	return unsafe.String(unsafe.SliceData(value), len(value))
}

func (h *proxy) RemoveHeader(name string) bool {
	return abi.RemoveHeader(abi.RequestHeaders, name) == abi.OK
}

func (h *proxy) RequestTrailers() ([]host.Header, bool) { return abi.Pairs(abi.RequestTrailers) }

func (h *proxy) RemoveTrailer(name string) bool {
	return abi.RemoveHeader(abi.RequestTrailers, name) == abi.OK
}

func (h *proxy) ReplaceHeader(name, value string) bool {
	return abi.ReplaceHeader(name, value) == abi.OK
}

func (h *proxy) ResponseStatus() int { return status(abi.ResponseStatus()) }

func (h *proxy) SetAttribute(name, value string) { abi.SetProperty(name, value) }

func (h *proxy) Reply(r *denial.Response, details string) bool {
	if r.Wire == nil {
		r.Wire = abi.EncodePairs(r.Headers)
	}
	return abi.SendLocalResponse(r.Status, details, r.Body, r.Wire, r.GRPC) == abi.OK
}

func (h *proxy) Resume() bool              { return abi.Continue() == abi.OK }
func (h *proxy) Select(stream uint32) bool { return abi.SetEffectiveContext(stream) == abi.OK }

func (h *proxy) Log(level engine.Level, line string) {
	switch level {
	case engine.Info:
		abi.Log(abi.Info, line)
	case engine.Warn:
		abi.Log(abi.Warn, line)
	default:
		abi.Log(abi.Error, line)
	}
}

// DefineMetric implements metrics.Host.
func (h *proxy) DefineMetric(kind metrics.Kind, name string) (id uint32, ok bool) {
	id, status := abi.DefineMetric(kinds[kind], name)
	return id, status == abi.OK
}

var kinds = [...]abi.MetricType{metrics.Counter: abi.Counter, metrics.Gauge: abi.Gauge, metrics.Histogram: abi.Histogram}

// AddMetric implements metrics.Host.
func (h *proxy) AddMetric(id uint32, n int64) { abi.AddMetric(id, n) }

// RecordMetric implements metrics.Host.
func (h *proxy) RecordMetric(id uint32, value int64) { abi.RecordMetric(id, value) }

// Get reads shared data; see host.Store.
func (h *proxy) Get(key string) ([]byte, uint32, error) {
	value, cas, status := abi.GetShared(key)
	switch status {
	case abi.OK:
		return value, cas, nil
	case abi.NotFound:
		return nil, 0, sharedtable.ErrNotFound
	}
	return nil, 0, errShared
}

// Set writes shared data; see host.Store.
func (h *proxy) Set(key string, value []byte, cas uint32) error {
	switch abi.SetShared(key, value, cas) {
	case abi.OK:
		return nil
	case abi.CASMismatch:
		return sharedtable.ErrCASMismatch
	}
	return errShared
}

var errShared = errors.New("the host failed")

// CallForeign calls one of the host's own functions; see engine.Host.
func (h *proxy) CallForeign(function string, argument []byte) (result []byte, ok bool) {
	result, status := abi.CallForeign(function, argument)
	return result, status == abi.OK
}

func (h *proxy) RegisterQueue(name string) (queue uint32, ok bool) {
	queue, status := abi.RegisterQueue(name)
	return queue, status == abi.OK
}

func (h *proxy) Enqueue(queue uint32, message []byte) bool {
	return abi.Enqueue(queue, message) == abi.OK
}

func (h *proxy) Dequeue(queue uint32) (message []byte, ok bool) {
	message, status := abi.Dequeue(queue)
	return message, status == abi.OK
}

func statusOf(headers []host.Header) int {
	for _, h := range headers {
		if h.Name == ":status" {
			return status(h.Value)
		}
	}
	return 0
}

// status reads the three digits of a status (RFC 9110 section 15); 0 for anything
// else.
func status(digits string) (code int) {
	if len(digits) != len("200") {
		return 0
	}
	for _, c := range []byte(digits) {
		if c < '0' || '9' < c {
			return 0
		}
		code = 10*code + int(c-'0')
	}
	return code
}

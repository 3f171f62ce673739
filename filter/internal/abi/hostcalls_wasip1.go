//go:build wasip1

package abi

import (
	"unsafe"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
)

// callResponseBody is the buffer of a callout's answer (proxy_buffer_type_t).
const callResponseBody uint32 = 4

// Log writes one line to the host's log.
func Log(level Level, line string) {
	hostLog(uint32(level), unsafe.Pointer(unsafe.StringData(line)), uint32(len(line)))
}

// NowNanos is the host's wall clock in unix nanoseconds.
func NowNanos() (nanos int64, s Status) {
	s = Status(hostGetCurrentTime(unsafe.Pointer(&nanos)))
	return nanos, s
}

// HeaderPairs gives a whole header map in one hostcall. ok is false when the
// map is not available or its bytes are not a map.
func HeaderPairs(m MapType) (headers []host.Header, ok bool) {
	var p *byte
	var n int
	if Status(hostGetHeaderMapPairs(uint32(m), unsafe.Pointer(&p), unsafe.Pointer(&n))) != OK {
		return nil, false
	}
	return DecodePairs(unsafe.Slice(p, n))
}

// RemoveHeader removes every line of a header of the request.
func RemoveHeader(name string) Status {
	return Status(hostRemoveHeader(uint32(RequestHeaders), unsafe.Pointer(unsafe.StringData(name)), uint32(len(name))))
}

// ReplaceHeader puts one line in the place of every line of a header of the
// request.
func ReplaceHeader(name, value string) Status {
	return Status(hostReplaceHeader(uint32(RequestHeaders),
		unsafe.Pointer(unsafe.StringData(name)), uint32(len(name)),
		unsafe.Pointer(unsafe.StringData(value)), uint32(len(value))))
}

// SetProperty keeps a value with the stream. The name is one part: a host shows
// only such ones in its access log.
func SetProperty(name, value string) Status {
	return Status(hostSetProperty(unsafe.Pointer(unsafe.StringData(name)), uint32(len(name)),
		unsafe.Pointer(unsafe.StringData(value)), uint32(len(value))))
}

// CallResponseBody gives the first bytes of a callout's answer, most at most.
func CallResponseBody(most int) (body []byte, s Status) {
	var p *byte
	var n int
	s = Status(hostGetBufferBytes(callResponseBody, 0, uint32(most), unsafe.Pointer(&p), unsafe.Pointer(&n)))
	if s != OK {
		return nil, s
	}
	return unsafe.Slice(p, n), OK
}

// SendLocalResponse answers the stream that is the effective context. details
// shows in the access log as RESPONSE_CODE_DETAILS. The SDK's own function
// leaves the details out.
func SendLocalResponse(status int, details string, body []byte, headers []host.Header) Status {
	const noGRPCStatus = -1
	h := EncodePairs(headers)
	return Status(hostSendLocalResponse(uint32(status),
		unsafe.Pointer(unsafe.StringData(details)), uint32(len(details)),
		unsafe.Pointer(unsafe.SliceData(body)), uint32(len(body)),
		unsafe.Pointer(unsafe.SliceData(h)), uint32(len(h)), noGRPCStatus))
}

// HTTPCall sends a request to a cluster, owned by the root context. With OK,
// land is called once, unless the root context is deleted first; with anything
// else it is never called.
func HTTPCall(root uint32, cluster string, headers []host.Header, body []byte, timeoutMillis uint32, land Landing) Status {
	h, t := EncodePairs(headers), EncodePairs(nil)
	var id uint32
	s := Status(hostHTTPCall(
		unsafe.Pointer(unsafe.StringData(cluster)), uint32(len(cluster)),
		unsafe.Pointer(unsafe.SliceData(h)), uint32(len(h)),
		unsafe.Pointer(unsafe.SliceData(body)), uint32(len(body)),
		unsafe.Pointer(unsafe.SliceData(t)), uint32(len(t)),
		timeoutMillis, unsafe.Pointer(&id)))
	if s == OK {
		launched(root, id, land)
	}
	return s
}

// DefineMetric defines a metric, or finds it again. The SDK's own functions
// panic when the host refuses.
func DefineMetric(kind MetricType, name string) (id uint32, s Status) {
	s = Status(hostDefineMetric(uint32(kind), unsafe.Pointer(unsafe.StringData(name)), uint32(len(name)), unsafe.Pointer(&id)))
	return id, s
}

// AddMetric adds to a counter.
func AddMetric(id uint32, n int64) Status { return Status(hostIncrementMetric(id, n)) }

// RecordMetric sets a gauge, or puts a value into a histogram.
func RecordMetric(id uint32, value int64) Status { return Status(hostRecordMetric(id, value)) }

// CallForeign calls one of the host's own functions. An empty result comes
// without memory.
func CallForeign(function string, argument []byte) (result []byte, s Status) {
	var p *byte
	var n int
	s = Status(hostCallForeignFunction(
		unsafe.Pointer(unsafe.StringData(function)), uint32(len(function)),
		unsafe.Pointer(unsafe.SliceData(argument)), uint32(len(argument)),
		unsafe.Pointer(&p), unsafe.Pointer(&n)))
	if s != OK {
		return nil, s
	}
	return unsafe.Slice(p, n), OK
}

// RegisterQueue makes a queue, or takes one over: from now on it is this VM's
// root context, the effective one, that is told of its messages.
func RegisterQueue(name string) (id uint32, s Status) {
	s = Status(hostRegisterSharedQueue(unsafe.Pointer(unsafe.StringData(name)), uint32(len(name)), unsafe.Pointer(&id)))
	return id, s
}

// Enqueue puts a message into a queue of any VM.
func Enqueue(id uint32, message []byte) Status {
	return Status(hostEnqueueSharedQueue(id, unsafe.Pointer(unsafe.SliceData(message)), uint32(len(message))))
}

// Dequeue takes the first message out; Empty when there is none.
func Dequeue(id uint32) (message []byte, s Status) {
	var p *byte
	var n int
	s = Status(hostDequeueSharedQueue(id, unsafe.Pointer(&p), unsafe.Pointer(&n)))
	if s != OK {
		return nil, s
	}
	return unsafe.Slice(p, n), OK
}

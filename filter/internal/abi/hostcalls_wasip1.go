//go:build wasip1

package abi

import (
	"math"
	"unsafe"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
)

// The buffers of a callout's answer, of a gRPC message and of a plugin's
// configuration (proxy_buffer_type_t).
const (
	callResponseBody    uint32 = 4
	grpcMessage         uint32 = 5
	pluginConfiguration uint32 = 7
)

// PluginConfiguration gives the configuration of the plugin instance that is being
// configured.
func PluginConfiguration() (configuration []byte, s Status) {
	p, n := out()
	return answer(Status(hostGetBufferBytes(pluginConfiguration, 0, math.MaxInt32, p, n)))
}

// SetTickPeriod has the effective root context called at every period.
func SetTickPeriod(millis uint32) Status { return Status(hostSetTickPeriod(millis)) }

// Log writes one line to the host's log.
func Log(level Level, line string) {
	hostLog(uint32(level), unsafe.Pointer(unsafe.StringData(line)), uint32(len(line)))
}

// Where the host writes a pointer, a size and a number: local variables would
// be allocated on the heap at each call. Pointers and sizes are 8 bytes wide in
// Go's memory, and the host writes 4: each is zeroed first.
var (
	outPointer *byte
	outSize    int
	outID      uint32
	outNanos   int64
)

// answer is the result of a hostcall that has set outPointer and outSize.
//
//go:noinline
func answer(s Status) ([]byte, Status) {
	waiting = nil
	if s != OK {
		return nil, s
	}
	return unsafe.Slice(outPointer, outSize), OK
}

func out() (p, n unsafe.Pointer) {
	outPointer, outSize = nil, 0
	return unsafe.Pointer(&outPointer), unsafe.Pointer(&outSize)
}

// NowNanos is the host's wall clock in unix nanoseconds.
func NowNanos() (nanos int64, s Status) {
	s = Status(hostGetCurrentTime(unsafe.Pointer(&outNanos)))
	return outNanos, s
}

// Request gives the headers of the request in one hostcall. ok is false when
// there are none or their bytes are not a map. They are good until the callback
// ends; see KeepRequest.
func Request() (headers []host.Header, ok bool) {
	p, n := out()
	readyForRequest()
	b, s := answer(Status(hostGetHeaderMapPairs(uint32(RequestHeaders), p, n)))
	if s != OK {
		return nil, false
	}
	headers, ok = DecodePairs(headerRoom, b)
	if ok && cap(headers) > cap(headerRoom) && cap(headers) <= MaxPairs {
		headerRoom = headers[:0]
	}
	return headers, ok && len(headers) > 0
}

// statusName is the pseudo header of a response's status (RFC 9113 section 8.3.2).
const statusName = ":status"

// ResponseStatus gives the status of the response as its headers have it, "" when
// there are none. It is good until the next small value.
func ResponseStatus() string {
	p, n := out()
	poisonValue()
	waiting = &valueRoom
	b, s := answer(Status(hostGetHeader(uint32(ResponseHeaders), unsafe.Pointer(unsafe.StringData(statusName)), uint32(len(statusName)), p, n)))
	if s != OK {
		return ""
	}
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// Pairs gives the headers of a map. They are good for as long as they are needed.
func Pairs(m MapType) (headers []host.Header, ok bool) {
	p, n := out()
	b, s := answer(Status(hostGetHeaderMapPairs(uint32(m), p, n)))
	if s != OK {
		return nil, false
	}
	return DecodePairs(nil, b)
}

// RemoveHeader removes every line of a header, or a trailer, of the request.
func RemoveHeader(m MapType, name string) Status {
	return Status(hostRemoveHeader(uint32(m), unsafe.Pointer(unsafe.StringData(name)), uint32(len(name))))
}

// ReplaceHeader puts one line in the place of every line of a header of the
// request.
func ReplaceHeader(name, value string) Status {
	return Status(hostReplaceHeader(uint32(RequestHeaders),
		unsafe.Pointer(unsafe.StringData(name)), uint32(len(name)),
		unsafe.Pointer(unsafe.StringData(value)), uint32(len(value))))
}

// SetProperty keeps a value with the stream. The name is a single part: a host
// shows no others in its access log.
func SetProperty(name, value string) Status {
	return Status(hostSetProperty(unsafe.Pointer(unsafe.StringData(name)), uint32(len(name)),
		unsafe.Pointer(unsafe.StringData(value)), uint32(len(value))))
}

// CallResponseBody gives the first bytes of a callout's answer, up to most.
func CallResponseBody(most int) (body []byte, s Status) {
	p, n := out()
	return answer(Status(hostGetBufferBytes(callResponseBody, 0, uint32(most), p, n)))
}

// SendLocalResponse answers the stream that is the effective context. details
// shows in the access log as RESPONSE_CODE_DETAILS; headers are encoded pairs.
// grpc is the status for a gRPC client; with 0 the host makes one from status.
func SendLocalResponse(status int, details string, body, headers []byte, grpc int) Status {
	if grpc == 0 {
		grpc = -1
	}
	return Status(hostSendLocalResponse(uint32(status),
		unsafe.Pointer(unsafe.StringData(details)), uint32(len(details)),
		unsafe.Pointer(unsafe.SliceData(body)), uint32(len(body)),
		unsafe.Pointer(unsafe.SliceData(headers)), uint32(len(headers)), int32(grpc)))
}

// HTTPCall sends a request to a cluster, owned by the root context. With OK,
// land is called once, unless the root context is deleted first; with anything
// else it is never called.
func HTTPCall(root uint32, cluster string, headers []host.Header, body []byte, timeoutMillis uint32, land Landing) Status {
	h, t := EncodePairs(headers), EncodePairs(nil)
	s := Status(hostHTTPCall(
		unsafe.Pointer(unsafe.StringData(cluster)), uint32(len(cluster)),
		unsafe.Pointer(unsafe.SliceData(h)), uint32(len(h)),
		unsafe.Pointer(unsafe.SliceData(body)), uint32(len(body)),
		unsafe.Pointer(unsafe.SliceData(t)), uint32(len(t)),
		timeoutMillis, unsafe.Pointer(&outID)))
	if s == OK {
		launched(root, outID, land)
	}
	return s
}

// GRPCCall sends a unary call, owned by the root context. target is an encoded
// envoy.config.core.v3.GrpcService. With OK, land is called once, unless the root
// context is deleted first; with anything else it is never called.
func GRPCCall(root uint32, target []byte, service, method string, message []byte, timeoutMillis uint32, land GRPCLanding) Status {
	metadata := EncodePairs(nil)
	s := Status(hostGRPCCall(
		unsafe.Pointer(unsafe.SliceData(target)), uint32(len(target)),
		unsafe.Pointer(unsafe.StringData(service)), uint32(len(service)),
		unsafe.Pointer(unsafe.StringData(method)), uint32(len(method)),
		unsafe.Pointer(unsafe.SliceData(metadata)), uint32(len(metadata)),
		unsafe.Pointer(unsafe.SliceData(message)), uint32(len(message)),
		timeoutMillis, unsafe.Pointer(&outID)))
	if s == OK {
		launched(root, outID, Landing(land))
	}
	return s
}

// GRPCMessage gives the first bytes of a unary call's answer, up to most.
func GRPCMessage(most int) (message []byte, s Status) {
	p, n := out()
	return answer(Status(hostGetBufferBytes(grpcMessage, 0, uint32(most), p, n)))
}

// DefineMetric defines a metric, or finds it again.
func DefineMetric(kind MetricType, name string) (id uint32, s Status) {
	s = Status(hostDefineMetric(uint32(kind), unsafe.Pointer(unsafe.StringData(name)), uint32(len(name)), unsafe.Pointer(&outID)))
	return outID, s
}

// AddMetric adds to a counter.
func AddMetric(id uint32, n int64) Status { return Status(hostIncrementMetric(id, n)) }

// RecordMetric sets a gauge, or puts a value into a histogram.
func RecordMetric(id uint32, value int64) Status { return Status(hostRecordMetric(id, value)) }

// CallForeign calls one of the host's own functions. An empty result comes
// without memory.
func CallForeign(function string, argument []byte) (result []byte, s Status) {
	p, n := out()
	return answer(Status(hostCallForeignFunction(
		unsafe.Pointer(unsafe.StringData(function)), uint32(len(function)),
		unsafe.Pointer(unsafe.SliceData(argument)), uint32(len(argument)), p, n)))
}

// RegisterQueue makes a queue, or takes one over: from now on this VM's root
// context, the effective one, is notified of its messages.
func RegisterQueue(name string) (id uint32, s Status) {
	s = Status(hostRegisterSharedQueue(unsafe.Pointer(unsafe.StringData(name)), uint32(len(name)), unsafe.Pointer(&outID)))
	return outID, s
}

// Enqueue puts a message into a queue of any VM.
func Enqueue(id uint32, message []byte) Status {
	return Status(hostEnqueueSharedQueue(id, unsafe.Pointer(unsafe.SliceData(message)), uint32(len(message))))
}

// Dequeue takes the first message out; Empty when there is none.
func Dequeue(id uint32) (message []byte, s Status) {
	p, n := out()
	return answer(Status(hostDequeueSharedQueue(id, p, n)))
}

// GetShared reads shared data. A small value is good until the next one.
func GetShared(key string) (value []byte, cas uint32, s Status) {
	p, n := out()
	poisonShared()
	waiting = &sharedRoom
	value, s = answer(Status(hostGetSharedData(unsafe.Pointer(unsafe.StringData(key)), uint32(len(key)), p, n, unsafe.Pointer(&outID))))
	return value, outID, s
}

// SetShared writes shared data.
func SetShared(key string, value []byte, cas uint32) Status {
	return Status(hostSetSharedData(unsafe.Pointer(unsafe.StringData(key)), uint32(len(key)),
		unsafe.Pointer(unsafe.SliceData(value)), uint32(len(value)), cas))
}

// Property reads a property; the parts of its path have a NUL between them. A
// small value is good until the next one.
func Property(path string) (value []byte, s Status) {
	p, n := out()
	poisonValue()
	waiting = &valueRoom
	return answer(Status(hostGetProperty(unsafe.Pointer(unsafe.StringData(path)), uint32(len(path)), p, n)))
}

// Continue lets the request of the effective context go on.
func Continue() Status { const request = 0; return Status(hostContinueStream(request)) }

// SetEffectiveContext chooses the stream that hostcalls act on.
func SetEffectiveContext(id uint32) Status { return Status(hostSetEffectiveContext(id)) }

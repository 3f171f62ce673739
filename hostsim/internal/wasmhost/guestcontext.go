package wasmhost

import (
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wire"
)

// GuestContext is what a VM asks of the proxy about one context of its guest: the VM itself, a root, or a stream. A
// function that has no meaning for a kind of context answers as BaseContext says. Bytes that a method is given are a
// view of the guest's memory, good until it returns.
// Source: proxy-wasm-cpp-host include/proxy-wasm/context.h ContextBase and context_interface.h.
type GuestContext interface {
	// ID is the guest's number of the context, and RootID that of its root.
	ID() uint32
	RootID() uint32
	// Counted notes a hostcall that the guest makes in this context. WASI is left out.
	Counted()
	// Log takes a line of the guest, or with byHost of the host itself. LogLevel is the least that the guest need log.
	Log(level abi.Level, message string, byHost bool)
	LogLevel() abi.Level
	// Traces is where crossings are recorded when the VM is traced.
	Traces() *Journal[TraceEntry]

	// Status is the outcome of the root's last broken callout.
	Status() (code abi.Status, message string)
	SetTickPeriod(period time.Duration)
	// Done is for a root whose proxy_on_done answered false; NotFound for others.
	Done() abi.Status

	// Property is a value as text or else as bytes, which are good until the next call. SetProperty stores filter state.
	Property(path []byte) (text string, data []byte, status abi.Status)
	SetProperty(path, value []byte) abi.Status

	// HeaderValue is the first value of a header; found is false when the map has none. Kind is at most mapTypeMax in
	// all of these.
	HeaderValue(kind uint32, name []byte) (value string, found bool, status abi.Status)
	AddHeader(kind uint32, name, value []byte) abi.Status
	ReplaceHeader(kind uint32, name, value []byte) abi.Status
	RemoveHeader(kind uint32, name []byte) abi.Status
	// HeaderPairs is empty for a map that is not there now.
	HeaderPairs(kind uint32) []wire.Pair
	// SetHeaderPairs replaces the whole map with the pairs; with none when they are not Whole.
	SetHeaderPairs(kind uint32, pairs *wire.Pairs) abi.Status
	HeaderSize(kind uint32) (size int, status abi.Status)

	// Buffer is what the guest may read now; found is false when there is no such buffer. SetBuffer writes at the front
	// (start 0, replacing length bytes) or at the end. Kind is at most bufferTypeMax.
	Buffer(kind uint32) (data []byte, found bool)
	SetBuffer(kind, start, length uint32, data []byte) abi.Status

	// ContinueStream, CloseStream and SendLocalResponse take effect when the callback has returned.
	ContinueStream(kind uint32) abi.Status
	CloseStream(kind uint32) abi.Status
	SendLocalResponse(LocalResponse)

	// HTTPCall dispatches a call of the root; the id is 0 with any status but OK.
	HTTPCall(HTTPCall) (id uint32, status abi.Status)
	// OpenGRPC begins a call or a stream of the root.
	OpenGRPC(GRPCOpening) (id uint32, status abi.Status)
	SendGRPC(id uint32, message []byte, end bool) abi.Status
	CancelGRPC(id uint32) abi.Status
	CloseGRPC(id uint32) abi.Status

	// CallForeign calls a function by its name; known is false when there is none.
	CallForeign(name string, argument []byte) (result []byte, status abi.Status, known bool)
}

// LocalResponse is what a guest answers in place of the backend.
type LocalResponse struct {
	Status  int
	Details string
	Body    []byte
	Headers []wire.Pair
	GRPC    int32
}

// HTTPCall is a request that a guest dispatches. Its Body is a view, like all bytes.
type HTTPCall struct {
	Cluster   string
	Headers   []wire.Pair
	Body      []byte
	Trailers  []wire.Pair
	TimeoutMS int32
}

// GRPCOpening begins a gRPC call, with its one message, or a stream.
type GRPCOpening struct {
	// Service is a serialized GrpcService or the name of a cluster; Path is /service/method.
	Service, Path string
	Metadata      []wire.Pair
	Unary         bool
	Message       []byte // a copy, of a call
	Timeout       time.Duration
}

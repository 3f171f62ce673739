package engine

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/metrics"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// Level is the severity of a log line.
type Level uint8

// The levels that an engine uses.
const (
	Info Level = iota
	Warn
	Error
)

// Host is what an engine needs from the proxy. All of it acts on the stream
// whose callback is running, or on the one that Select chose. A false answer is
// a technical fault: the engine then refuses.
type Host interface {
	host.Store
	metrics.Host
	pipeline.Editor // of the request's headers

	NowNanos() int64 // the wall clock, unix nanoseconds
	// RequestHeaders gives all of them in order, pseudo headers included, names
	// in lower case. They are good until the callback ends.
	RequestHeaders() ([]host.Header, bool)
	// KeepRequest keeps the headers that RequestHeaders gave last good for as
	// long as they are used.
	KeepRequest()
	// ClientAddress is "ip:port" as the host trusts it, "" if it does not say. It is
	// good until the host is next asked for a value.
	ClientAddress() string
	// ClientCertificate is the SHA-256, in hex, of the client's certificate; ""
	// when it came without TLS or without a certificate. It is as short-lived
	// as ClientAddress.
	ClientCertificate() string
	// RequestTrailers gives the trailers and RemoveTrailer removes every line of
	// one, while the engine is asked about them.
	RequestTrailers() ([]host.Header, bool)
	RemoveTrailer(name string) bool
	// ResponseStatus is the status that the client got, 0 when it got none; for
	// the log phase.
	ResponseStatus() int
	// SetAttribute gives the host's access log a value about the request.
	SetAttribute(name, value string)

	// Reply answers the client. details is for the access log. The engine calls
	// either Reply or Resume for a stream, once.
	Reply(r *denial.Response, details string) bool
	// Resume lets a paused request go on.
	Resume() bool
	// Select makes a stream the one that the calls above act on; false when it
	// is gone.
	Select(stream uint32) bool

	// Dispatch sends a callout that outlives the stream; see host.Dispatcher.
	Dispatch(c host.Callout, land func(host.Answer)) host.Failure

	// DispatchGRPC is the same for a unary gRPC call; see host.GRPCDispatcher.
	DispatchGRPC(c host.GRPCCall, land func(host.GRPCAnswer)) (ok bool)

	// CallForeign calls one of the host's own functions by its name; ok is
	// false when it has no such function or refuses the argument.
	CallForeign(function string, argument []byte) (result []byte, ok bool)

	// RegisterQueue makes a queue of this plugin instance: the host calls
	// QueueReady when there is a message in it. Queues are never deleted.
	RegisterQueue(name string) (queue uint32, ok bool)
	// Enqueue puts a message into a queue of any VM. Success says nothing about
	// whether anybody will receive it.
	Enqueue(queue uint32, message []byte) bool
	// Dequeue takes a message out; false when there is none.
	Dequeue(queue uint32) (message []byte, ok bool)

	Log(level Level, line string)
}

package host

import "time"

// GRPCCall is a unary gRPC call to a cluster of the host, outside the exchange.
type GRPCCall struct {
	Cluster string
	Service string // as in "envoy.service.ratelimit.v3.RateLimitService"
	Method  string
	Message []byte // encoded
	Timeout time.Duration
	// MaxAnswer bounds the answer's message, in bytes; a larger one is a
	// failure.
	MaxAnswer int
}

// GRPCAnswer is how a unary call ended. The zero value is a failure.
type GRPCAnswer struct {
	OK      bool
	Message []byte // encoded; only with OK
}

// GRPCDispatcher sends unary calls: the host's port. When ok, land is called
// exactly once, later, on the same thread; otherwise it is never called.
type GRPCDispatcher func(c GRPCCall, land func(now int64, a GRPCAnswer)) (ok bool)

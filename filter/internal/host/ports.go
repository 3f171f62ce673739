package host

import "math/rand/v2"

// Ports are what policies need from the proxy: one value for all of them.
type Ports struct {
	Store      Store
	Dispatcher Dispatcher
	// GRPC is nil where the host has no gRPC; see CallGRPC.
	GRPC    GRPCDispatcher
	Metrics Metrics
	Peers   Peers
	// ClientCertificate is the SHA-256, in hex, of the certificate that the
	// client of the current request presented; "" without one. It is good until
	// the proxy is next asked for a value.
	ClientCertificate func() string
	// Now reads the host's clock, in unix nanoseconds.
	Now func() int64
	// Warn writes a line to the operator's log.
	Warn func(line string)
	// Host calls one of the proxy's own functions by its name, to verify and to
	// make signatures; ok is false when it has no such function or refuses the
	// argument. nil leaves the work to the filter's own code.
	Host func(function string, argument []byte) (result []byte, ok bool)
	// Random returns uniformly distributed numbers.
	Random func() uint64
}

// CallGRPC sends a unary call, if the host can.
func (p *Ports) CallGRPC(c GRPCCall, land func(now int64, a GRPCAnswer)) (ok bool) {
	return p.GRPC != nil && p.GRPC(c, land)
}

// WithDefaults replaces missing Metrics, Peers and Warn by ones that drop
// everything, and a missing Random by the runtime's generator. Without Now the
// clock is never read again.
func (p Ports) WithDefaults() Ports {
	if p.ClientCertificate == nil {
		p.ClientCertificate = func() string { return "" }
	}
	if p.Metrics == nil {
		p.Metrics = NoMetrics{}
	}
	if p.Peers == nil {
		p.Peers = NoPeers{}
	}
	if p.Now == nil {
		p.Now = func() int64 { return 0 }
	}
	if p.Warn == nil {
		p.Warn = func(string) {}
	}
	if p.Random == nil {
		p.Random = rand.Uint64
	}
	return p
}

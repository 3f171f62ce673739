package host

import "math/rand/v2"

// Ports are what policies need of the proxy: one value for all of them.
type Ports struct {
	Store      Store
	Dispatcher Dispatcher
	// GRPC is nil where the host has no gRPC; see CallGRPC.
	GRPC    GRPCDispatcher
	Metrics Metrics
	Peers   Peers
	// ClientCertificate is the SHA-256, in hex, of the certificate with which the
	// client of the current request came; "" without one. It is good until the proxy
	// is next asked for a value.
	ClientCertificate func() string
	// Now reads the host's clock, in unix nanoseconds.
	Now func() int64
	// Warn writes a line to the operator's log.
	Warn func(line string)
	// Host calls one of the proxy's own functions by its name, to check and to
	// make signatures; ok is false when it has none of that name or refuses the
	// argument. nil leaves it to the filter's own code.
	Host func(function string, argument []byte) (result []byte, ok bool)
	// Random gives evenly spread numbers.
	Random func() uint64
}

// CallGRPC sends a unary call, if the host can.
func (p *Ports) CallGRPC(c GRPCCall, land func(now int64, a GRPCAnswer)) (ok bool) {
	return p.GRPC != nil && p.GRPC(c, land)
}

// WithDefaults puts what drops everything in the place of missing Metrics, Peers
// and Warn, and the runtime's generator in that of Random. Without Now the clock
// is never read again.
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

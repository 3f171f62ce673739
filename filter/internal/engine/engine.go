// Package engine stands between a host's events and the sequence: one Engine
// for each plugin instance in each VM, one Stream for each request. It keeps
// the rules that real proxies force upon a filter: one verdict per stream,
// nothing let through while the verdict is open, every parked stream ends. It
// knows the host only as an interface, so that all of it runs in a plain test.
package engine

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/config"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/ipaddr"
	"github.com/sallyport-gateway/sallyport/filter/internal/metrics"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/identity"
	"github.com/sallyport-gateway/sallyport/filter/internal/usage"
)

// TickPeriod is how often the host must call Tick. It bounds how much later
// than its deadline a parked stream may end.
const TickPeriod = 250 * time.Millisecond

// deadlineMargin is how much longer than its callout's own timeout a stream
// may be parked: long enough for the host's own answer to come first.
const deadlineMargin = 500 * time.Millisecond

// Engine is one plugin instance on one VM. The zero value refuses every request.
// It is not safe for concurrent use: a VM is one thread.
type Engine struct {
	host      Host
	editor    pipeline.Editor // the host: converting it for each request would cost a table lookup
	config    *config.Config
	sequences []*pipeline.Sequence
	parked    *Stream                 // a line; see Stream
	due       *Stream                 // another one
	waiting   int                     // bytes that those in both lines hold
	spoken    map[denial.Reason]int64 // unix nanoseconds
	peers     peers
	pool      pool
	metrics   *metrics.Ledger
	counters  counters
	usage     *usage.Recorder
	refusals  denial.Renderer
	identity  *identity.Teller
	client    func(*pipeline.Exchange) ipaddr.Addr // finds a client's address
}

// New makes an engine that refuses every request until it is configured.
func New(h Host) *Engine {
	m := metrics.New(h)
	e := &Engine{
		host: h, editor: h, metrics: m, counters: newCounters(m), parked: newLine(), due: newLine(),
		spoken: map[denial.Reason]int64{}, peers: peers{host: h},
	}
	e.client = e.clientAddress
	return e
}

// Configure accepts the configuration, or refuses all of it and logs one line
// for each problem. env gives the VM's environment.
func (e *Engine) Configure(data []byte, env func(string) (string, bool)) bool {
	c, problems := config.Load(data, env)
	if len(problems) > 0 {
		for _, p := range problems {
			e.host.Log(Error, "sallyport: config refused: "+p.String())
		}
		return false
	}
	e.config, e.refusals, e.identity = c, denial.Renderer{
		Format: c.Format, RateLimitedGRPC: c.GRPCRateLimited, Omit: c.RateLimitHeaders.Omitted(),
	}, identity.New(c.Identity)
	e.usage = usage.NewRecorder(c.Usage.MaxSeries, e.host, e.metrics)
	e.sequences = c.Sequences(host.Ports{
		Store:             e.host,
		Dispatcher:        e.dispatch,
		GRPC:              e.dispatchGRPC,
		Metrics:           e.metrics,
		Peers:             &e.peers,
		ClientCertificate: e.host.ClientCertificate,
		Now:               e.host.NowNanos,
		Warn:              func(line string) { e.host.Log(Warn, "sallyport: "+line) },
		Host:              e.host.CallForeign,
	})
	return true
}

// Watch reports the sequences at work, from now on; see
// pipeline.Sequence.Watched. steps are the names of the sequence's steps.
func (e *Engine) Watch(saw func(steps []string, step int, o pipeline.Outcome)) {
	for i, sequence := range e.sequences {
		names := sequence.Names()
		e.sequences[i] = sequence.Watched(func(step int, o pipeline.Outcome) { saw(names, step, o) })
	}
}

// Close reports what was counted and not reported yet. What streams that
// outlive the engine count is reported at once.
func (e *Engine) Close() { e.metrics.Close() }

// Tick lets time pass for the steps that want to know, ends the parked streams
// whose time is up, and reports what was counted.
func (e *Engine) Tick() {
	defer e.metrics.Report()
	if e.waiting == 0 && !e.peers.busy() {
		return
	}
	now := e.host.NowNanos()
	e.peers.tick(now)
	e.expire(now)
	e.giveVerdicts()
}

// dispatch gives policies the host's callouts, counted.
func (e *Engine) dispatch(c host.Callout, land func(int64, host.Answer)) host.Failure {
	failure := e.host.Dispatch(c, func(a host.Answer) {
		land(e.host.NowNanos(), a)
		e.giveVerdicts()
	})
	if failure == host.NoFailure {
		e.metrics.Count(metricCallouts)
	}
	return failure
}

// dispatchGRPC is the same for unary gRPC calls.
func (e *Engine) dispatchGRPC(c host.GRPCCall, land func(int64, host.GRPCAnswer)) (ok bool) {
	ok = e.host.DispatchGRPC(c, func(a host.GRPCAnswer) {
		land(e.host.NowNanos(), a)
		e.giveVerdicts()
	})
	if ok {
		e.metrics.Count(metricCallouts)
	}
	return ok
}

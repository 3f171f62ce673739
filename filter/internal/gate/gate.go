// Package gate stands between a host's events and the sequence: one Gate for
// each plugin instance in each VM, one Stream for each request. It keeps the
// rules that real proxies force upon a filter: one verdict a stream, nothing
// let through while the verdict is open, every parked stream ends. It knows the
// host only as an interface, so that all of it runs in a plain test.
package gate

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/config"
	"github.com/sallyport-gateway/sallyport/filter/internal/fault"
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

// Gate is one plugin instance on one VM. The zero value refuses every request.
// It is not safe for concurrent use: a VM is one thread.
type Gate struct {
	host      Host
	config    *config.Config
	sequences []*pipeline.Sequence
	parked    *Stream                // a line; see Stream
	due       *Stream                // another one
	waiting   int                    // bytes that those in both lines hold
	spoken    map[fault.Reason]int64 // unix nanoseconds
	peers     peers
	pool      pool
	metrics   *metrics.Ledger
	counters  counters
	usage     *usage.Recorder
	refusals  fault.Renderer
	identity  *identity.Teller
	client    func(*pipeline.Exchange) ipaddr.Addr // finds a client's address
}

// New gives a gate that refuses every request until it is configured.
func New(h Host) *Gate {
	m := metrics.New(h)
	g := &Gate{
		host: h, metrics: m, counters: newCounters(m), parked: newLine(), due: newLine(),
		spoken: map[fault.Reason]int64{}, peers: peers{host: h},
	}
	g.client = g.clientAddress
	return g
}

// Configure takes the configuration, or refuses it whole and logs one line for
// each problem. env gives the VM's environment.
func (g *Gate) Configure(data []byte, env func(string) (string, bool)) bool {
	c, problems := config.Load(data, env)
	if len(problems) > 0 {
		for _, p := range problems {
			g.host.Log(Error, "sallyport: config refused: "+p.String())
		}
		return false
	}
	g.config, g.refusals, g.identity = c, fault.Renderer{Format: c.Format, RateLimitedGRPC: c.GRPCRateLimited}, identity.New(c.Identity)
	g.usage = usage.NewRecorder(c.Usage.MaxSeries, g.host, g.metrics)
	g.sequences = c.Sequences(config.Ports{
		Store:             g.host,
		Dispatcher:        g.dispatch,
		Metrics:           g.metrics,
		Peers:             &g.peers,
		ClientCertificate: g.host.ClientCertificate,
		Now:               g.host.NowNanos,
		Warn:              func(line string) { g.host.Log(Warn, "sallyport: "+line) },
		Host:              g.host.CallForeign,
	})
	return true
}

// Watch lets somebody see the sequences at work, from now on; see
// pipeline.Sequence.Watched. steps are the words of the sequence.
func (g *Gate) Watch(saw func(steps []string, step int, o pipeline.Outcome)) {
	for i, sequence := range g.sequences {
		names := sequence.Names()
		g.sequences[i] = sequence.Watched(func(step int, o pipeline.Outcome) { saw(names, step, o) })
	}
}

// Close reports what was counted and not reported yet. Streams that outlive the
// gate are counted at once.
func (g *Gate) Close() { g.metrics.Close() }

// Tick lets time pass for the steps that want to know, ends the parked streams
// whose time is over, and reports what was counted.
func (g *Gate) Tick() {
	defer g.metrics.Report()
	if g.waiting == 0 && !g.peers.busy() {
		return
	}
	now := g.host.NowNanos()
	g.peers.tick(now)
	g.expire(now)
	g.giveVerdicts()
}

// dispatch gives policies the host's callouts, counted.
func (g *Gate) dispatch(c pipeline.Callout, land func(int64, pipeline.Answer)) pipeline.Failure {
	failure := g.host.Dispatch(c, func(a pipeline.Answer) {
		land(g.host.NowNanos(), a)
		g.giveVerdicts()
	})
	if failure == pipeline.NoFailure {
		g.metrics.Count(metricCallouts)
	}
	return failure
}

package hostsim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/event"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/header"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/http"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// Response is what the client got.
type Response struct {
	Status   int // 0 when the stream ended without a response
	Headers  abi.Headers
	Body     []byte
	Trailers abi.Headers
	// HeadersOnly: the headers ended the response, not an empty body after them.
	HeadersOnly bool
	// Reset: the stream was cut, before or within the response.
	Reset bool
	// Hangs: everything was sent, and the client still waits for more. Awaits is how many bytes of the body it waits for,
	// because content-length promised them; 0 when it waits for a whole response, because the status was that of an
	// interim response, 100 to 199.
	Hangs  bool
	Awaits int
	// Excess is what came after the body: content-length, or the status, promised less. See Exchange.Misframed.
	Excess []byte
}

// Exchange is everything else there is to know about a request.
type Exchange struct {
	// Upstream is what the backend saw; nil when it saw nothing.
	Upstream *upstream.Request
	// Calls are the callouts dispatched during the exchange; Log and Trace are what was written during it. When several
	// requests run at the same time, each also has the others'. What the plugins behind this one wrote comes after its
	// own.
	Calls []upstream.Call
	Log   []LogLine
	Trace []TraceEntry
	// Hostcalls counts those of this stream's context; AllHostcalls counts all of the process during the exchange.
	Hostcalls    int
	AllHostcalls int
	// Details are Envoy's response code details.
	Details string
	// Misframed says, for each message whose content-length was not the length of its body, what its receiver makes of it.
	// This happens when a plugin changes a body and leaves content-length alone; Envoy sends both as they are.
	Misframed []string
	// FilterState is what the guest stored with set_property.
	FilterState map[string][]byte
	// Elapsed is how long the exchange took on the clock.
	Elapsed time.Duration
}

// Do plays a whole exchange with the backend of WithUpstream, until log, done and delete have run. On a fake clock it
// moves the clock as far as that takes: a stream that nobody resumes is ended by the connection manager's idle timeout.
// An error means that the exchange could not be played; a refusal is a Response.
func (h *Host) Do(ctx context.Context, r Request) (Response, Exchange, error) {
	h.process.envoy.Loop.BeginTurn()
	defer h.process.envoy.Loop.EndTurn()
	e, err := h.begin(r)
	if err != nil {
		return Response{}, Exchange{}, err
	}
	if err := e.play(ctx); err != nil {
		e.stream.ClientGone()
		return e.response, e.result(), fmt.Errorf("exchange %s %s: %w", r.Method, r.Path, err)
	}
	return e.response, e.result(), nil
}

// play is the network until the stream is over.
func (e *exchange) play(ctx context.Context) error {
	for {
		next, err := e.stream.Next(ctx, true)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		e.handle(next)
	}
}

// Pending is an exchange that was started and not waited for.
type Pending struct{ exchange *exchange }

// Start begins an exchange, runs what can run now, and leaves the clock alone: for tests that have several in flight.
// Feed time with Host.Advance, and collect with Wait.
func (h *Host) Start(r Request) (*Pending, error) {
	e, err := h.begin(r)
	if err != nil {
		return nil, err
	}
	p := &Pending{exchange: e}
	p.pump()
	return p, nil
}

func (p *Pending) pump() {
	for {
		next, ok := p.exchange.stream.Poll()
		if !ok {
			return
		}
		p.exchange.handle(next)
	}
}

// Done is true when the exchange has ended. It runs what is due, the backend's answer included, and does not move the
// clock.
func (p *Pending) Done() bool {
	p.pump()
	if process := p.exchange.host.process; process.envoy.Loop.Fake != nil {
		process.Advance(0)
		p.pump()
	}
	return p.exchange.stream.IsOver()
}

// Stream is the exchange's stream, for a test to interfere with.
func (p *Pending) Stream() *Stream { return &Stream{p.exchange.stream} }

// Wait plays the exchange to its end, as Do does.
func (p *Pending) Wait(ctx context.Context) (Response, Exchange, error) {
	p.exchange.host.process.envoy.Loop.BeginTurn()
	defer p.exchange.host.process.envoy.Loop.EndTurn()
	err := p.exchange.play(ctx)
	return p.exchange.response, p.exchange.result(), err
}

// exchange is the client and the backend of one Stream.
type exchange struct {
	host      *Host
	stream    *http.Stream
	backend   upstream.Cluster
	request   Request
	response  Response
	upstream  *upstream.Request
	asked     bool // the backend was asked
	toBackend header.Framing
	toClient  header.Framing
	began     time.Time
	calls     int
	logs      int
	traces    int
	hostcalls int
	behind    []behind
}

// behind is a host further back in the chain, with the positions of its journals when the exchange began.
type behind struct {
	host         *Host
	logs, traces int
}

func (h *Host) begin(r Request) (*exchange, error) {
	h.mu.Lock()
	backend := h.upstream
	h.mu.Unlock()
	e := &exchange{
		host: h, backend: backend, request: r, began: h.process.envoy.Clock.Now(), calls: h.process.envoy.Calls.End(),
		logs: h.listener.Logs.End(), traces: h.listener.Traces.End(), hostcalls: h.process.Hostcalls(),
	}
	s, err := h.newStream(r.Worker, r.Info)
	if err != nil {
		return nil, err
	}
	e.stream = s
	for _, next := range h.behind() {
		e.behind = append(e.behind, behind{next, next.listener.Logs.End(), next.listener.Traces.End()})
	}
	if r.ClientGoneAfter > 0 {
		s.Do(func() { s.Thread.After(r.ClientGoneAfter, func() { s.Cut("downstream_remote_disconnect") }) })
	}
	e.send()
	return e, nil
}

// handle is the network doing what the stream asks for.
func (e *exchange) handle(happened event.Event) {
	switch happened.Kind {
	case event.ToUpstreamHeaders:
		e.upstream = &upstream.Request{Headers: happened.Headers}
		e.toBackend = header.DeclaredIn(happened.Headers)
		e.continueConnection()
	case event.ToUpstreamData:
		body, excess := e.toBackend.Send(happened.Data)
		e.upstream.Body, e.upstream.Excess = append(e.upstream.Body, body...), append(e.upstream.Excess, excess...)
	case event.ToUpstreamTrailers:
		e.upstream.Trailers = happened.Headers
	case event.ToClientHeaders:
		status, _ := happened.Headers.Get(":status")
		e.response = Response{Headers: happened.Headers[1:], HeadersOnly: happened.End}
		e.response.Status, _ = strconv.Atoi(status)
		e.toClient = header.DeclaredByResponse(happened.Headers, e.stream.HeadReq)
	case event.ToClientData:
		body, excess := e.toClient.Send(happened.Data)
		e.response.Body, e.response.Excess = append(e.response.Body, body...), append(e.response.Excess, excess...)
	case event.ToClientTrailers:
		e.response.Trailers = happened.Headers
	case event.ClientReset:
		e.response.Reset = true
	}
	switch {
	case !happened.End:
	case happened.Kind <= event.ToUpstreamTrailers:
		e.upstream.Awaits = e.toBackend.Awaits()
		e.upstream.Complete = e.upstream.Awaits == 0
		e.askBackend()
	case happened.Kind <= event.ToClientTrailers:
		e.endResponse()
	}
}

// endResponse runs when the whole response is there. A client of HTTP/2 or 3 resets a stream with a stale
// content-length (RFC 9113 section 8.1.1).
func (e *exchange) endResponse() {
	r := &e.response
	closes, _ := r.Headers.Get("connection")
	switch awaits := e.toClient.Awaits(); {
	case http.IsInterim(r.Status):
		*r = Response{Hangs: true}
	case http.IsNoStatus(r.Status):
		*r = Response{Reset: true}
	case !e.stream.IsHTTP1() && e.toClient.Stale(), awaits > 0 && closes == "close":
		r.Reset = true
	default:
		r.Hangs, r.Awaits = awaits > 0, awaits
	}
}

func (e *exchange) result() Exchange {
	result := Exchange{
		Upstream: e.upstream, Calls: e.host.process.envoy.Calls.From(e.calls), Log: e.host.listener.Logs.From(e.logs),
		Trace: e.host.listener.Traces.From(e.traces), Hostcalls: e.stream.Hostcalls(),
		AllHostcalls: e.host.process.Hostcalls() - e.hostcalls, Details: e.stream.Details(), Misframed: e.misframed(),
		FilterState: e.stream.FilterState(), Elapsed: e.host.process.envoy.Clock.Now().Sub(e.began),
	}
	for _, b := range e.behind {
		result.Log = append(result.Log, b.host.listener.Logs.From(b.logs)...)
		result.Trace = append(result.Trace, b.host.listener.Traces.From(b.traces)...)
	}
	return result
}

// misframed is what was misframed in the stream, and in calls during it.
func (e *exchange) misframed() (all []string) {
	e.stream.Thread.Run(func() { all = append(all, e.stream.Misframed...) })
	for _, c := range e.host.process.envoy.Calls.From(e.calls) {
		if c.Awaits > 0 {
			all = append(all, envoy.MisframedCall(&c))
		}
	}
	return all
}

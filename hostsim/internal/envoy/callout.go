package envoy

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/header"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// calloutIDStep: ids are multiples of 4; the other residues belong to gRPC.
const calloutIDStep = 4

// callout is an http_call in flight. It belongs to a root, even when a stream made it.
type callout struct {
	id     uint32
	root   *rootContext
	grpc   bool // its content-type is application/grpc: the host's own answers are gRPC's too
	cancel func()
}

// callResponse is an answer that the guest may read.
type callResponse struct {
	headers, trailers *header.Map
	body              []byte
}

// HTTPCall dispatches a call of the root, whichever of its contexts asks.
func (c *BaseContext) HTTPCall(call wasmhost.HTTPCall) (id uint32, status abi.Status) {
	return c.Root.httpCall(call)
}

// httpCall dispatches a call. Source: Envoy context.cc httpCall; the failures as measured.
func (c *rootContext) httpCall(given wasmhost.HTTPCall) (uint32, abi.Status) {
	p := c.Host.Process
	headers, body := header.New(given.Headers), append([]byte(nil), given.Body...)
	call := upstream.Call{
		Cluster: given.Cluster, Body: body, Trailers: given.Trailers, Timeout: time.Duration(given.TimeoutMS) * time.Millisecond,
		Worker: c.Guest.worker.Index, At: p.Clock.Now(),
	}
	refuse := func(s abi.Status) (uint32, abi.Status) {
		call.Headers, call.Status = headers.Snapshot(), s
		p.Calls.Add(call)
		return 0, s
	}
	target, ok := p.cluster(given.Cluster)
	if !ok || given.TimeoutMS < 0 {
		return refuse(abi.StatusBadArgument)
	}
	for _, name := range []string{":path", ":method", ":authority"} {
		if _, ok := headers.Get(name); !ok {
			return refuse(abi.StatusBadArgument)
		}
	}
	if len(body) > 0 {
		headers.Set("content-length", strconv.Itoa(len(body)))
	}
	addCalloutHeaders(headers, call.Timeout)
	call.Headers = headers.Snapshot()
	sent := header.DeclaredIn(call.Headers)
	sent.Send(body)
	call.Awaits = sent.Awaits()
	answer := target.Answer(call)
	switch answer.Fault {
	case upstream.FaultUnknown:
		return refuse(abi.StatusBadArgument)
	case upstream.FaultNoEndpoints:
		return refuse(abi.StatusInternalFailure)
	}
	p.Calls.Add(call)
	if call.Awaits > 0 && IsRead(answer) {
		answer = upstream.Answer{Fault: upstream.FaultTimeout}
		c.Log(abi.LevelError, MisframedCall(&call), true)
	}
	c.Guest.lastCall += calloutIDStep
	contentType, _ := headers.Get("content-type")
	out := &callout{id: c.Guest.lastCall, root: c, grpc: IsGRPC(contentType)}
	c.calls[out.id] = out
	out.await(answer, call.Timeout)
	return out.id, abi.StatusOK
}

// addCalloutHeaders adds what Envoy's router sends with a request of its own.
// Source: Envoy source/common/router/router.cc, async_client_impl.cc.
func addCalloutHeaders(m *header.Map, timeout time.Duration) {
	m.Set("x-envoy-internal", "true")
	if timeout > 0 {
		m.Set("x-envoy-expected-rq-timeout-ms", strconv.FormatInt(timeout.Milliseconds(), 10))
	}
}

func IsGRPC(contentType string) bool {
	return contentType == "application/grpc" || strings.HasPrefix(contentType, "application/grpc+")
}

// await schedules the end of the call: the answer, the fault or the timeout, whichever is first.
func (o *callout) await(a upstream.Answer, timeout time.Duration) {
	t := o.root.Guest.worker
	if a.Held != nil {
		o.awaitHeld(a.Held, timeout)
		return
	}
	if a.Wait != nil {
		if t.process.Loop.Fake == nil {
			o.awaitReal(a.Wait, timeout)
			return
		}
		ctx, cancel := context.WithCancel(t.process.Loop.Background)
		defer cancel()
		a = a.Wait(ctx)
	}
	end, after := o.outcome(a), a.Delay
	switch {
	case a.Fault == upstream.FaultTimeoutMidBody:
		end, after = o.broken, timeout
	case a.Fault == upstream.FaultTimeout || timeout > 0 && a.Delay >= timeout:
		end, after = o.timedOut, timeout
	}
	o.cancel = func() {}
	if a.Fault == upstream.FaultNever || after == 0 && timeout == 0 && (a.Fault == upstream.FaultTimeout || a.Fault == upstream.FaultTimeoutMidBody) {
		return
	}
	o.cancel = t.After(after, end).Stop
}

// awaitHeld has a test answer.
func (o *callout) awaitHeld(held *upstream.Held, timeout time.Duration) {
	withdraw := func() {}
	give := o.undecided(timeout, func() { withdraw() })
	withdraw = held.Await(func(a upstream.Answer) {
		give(a)
		o.root.Host.Process.Loop.Settle()
	})
}

// awaitReal has a goroutine ask for the answer.
func (o *callout) awaitReal(wait func(context.Context) upstream.Answer, timeout time.Duration) {
	loop := o.root.Host.Process.Loop
	ctx, cancel := context.WithCancel(loop.Background)
	give := o.undecided(timeout, cancel)
	loop.Spawn(func() {
		a := wait(ctx)
		if ctx.Err() == nil && !loop.Closed() {
			give(a)
		}
	})
}

// undecided is a call that ends by its timeout, by being cancelled or by an answer that is given from outside of the
// thread, whichever is first; ended is called then, on the thread.
func (o *callout) undecided(timeout time.Duration, ended func()) (give func(upstream.Answer)) {
	t := o.root.Guest.worker
	over := false // on the thread
	once := func(f func()) func() {
		return func() {
			if !over {
				over = true
				ended()
				f()
			}
		}
	}
	stopTimer := func() {}
	if timeout > 0 {
		stopTimer = t.After(timeout, once(o.timedOut)).Stop
	}
	o.cancel = once(stopTimer)
	return func(a upstream.Answer) {
		t.Run(once(func() {
			stopTimer()
			o.late(a)
		}))
	}
}

// late is an answer that came in time, after all.
func (o *callout) late(a upstream.Answer) {
	switch a.Fault {
	case upstream.FaultNever:
		return
	case upstream.FaultTimeout, upstream.FaultTimeoutMidBody:
		a.Fault = upstream.FaultReset // the server gave up; the guest's timeout had not expired
	}
	o.outcome(a)()
}

// outcome is what becomes of an answer that comes in time.
func (o *callout) outcome(a upstream.Answer) func() {
	switch a.Fault {
	case upstream.FaultRefuse:
		return func() { o.local(503, o.root.Host.Process.Profile.RefusedText()) }
	case upstream.FaultReset, upstream.FaultNoEndpoints, upstream.FaultUnknown:
		return func() { o.local(503, ResetText) }
	case upstream.FaultNotHTTP:
		return func() { o.local(502, NotHTTPText) }
	case upstream.FaultResetMidBody:
		return o.broken
	}
	if len(a.Body) > asyncResponseLimit {
		return o.broken
	}
	headers := MessageHeaders(a)
	headers.Set("x-envoy-upstream-service-time", strconv.FormatInt(a.Delay.Milliseconds(), 10))
	var trailers *header.Map
	if len(a.Trailers) > 0 {
		trailers = header.New(a.Trailers)
	}
	return func() { o.succeed(&callResponse{headers: headers, body: a.Body, trailers: trailers}) }
}

// Envoy's texts, as 1.40 has them.
const (
	ResetText   = "upstream connect error or disconnect/reset before headers. reset reason: connection termination"
	NotHTTPText = "upstream connect error or disconnect/reset before headers. reset reason: protocol error"
	TimeoutText = "upstream request timeout"
)

// timedOut is a timeout before response headers.
func (o *callout) timedOut() { o.local(504, TimeoutText) }

// local is an answer that the host itself makes. For a gRPC request it is 200 with the status in the headers.
func (o *callout) local(status int, body string) {
	headers := &header.Map{}
	if o.grpc {
		headers.Add(":status", "200")
		headers.Add("content-type", "application/grpc")
		headers.Add("grpc-status", strconv.Itoa(GRPCStatusOf(status)))
		headers.Add("grpc-message", GRPCMessage(body))
		o.succeed(&callResponse{headers: headers})
		return
	}
	headers.Add(":status", strconv.Itoa(status))
	headers.Add("content-length", strconv.Itoa(len(body)))
	headers.Add("content-type", "text/plain")
	o.succeed(&callResponse{headers: headers, body: []byte(body)})
}

// succeed calls the guest back with an answer, on the root.
func (o *callout) succeed(r *callResponse) {
	c := o.root
	delete(c.calls, o.id)
	if c.Guest.Failed() {
		return
	}
	c.response = r
	// The answer is dropped before what the guest asks for in the callback is done. Source: Envoy onHttpCallSuccess.
	c.Guest.Later(func() { c.response = nil })
	c.callbackOrAfter(wasmhost.OnHTTPCallResponse, c.id, o.id, uint32(r.headers.Size()), uint32(len(r.body)), uint32(r.trailers.Size()))
}

// broken is a response that ended midway: no headers, no body, and a status code that stays for good.
func (o *callout) broken() {
	c := o.root
	delete(c.calls, o.id)
	if c.Guest.Failed() {
		return
	}
	c.statusCode, c.statusMessage = abi.StatusBrokenConnection, "reset"
	c.Guest.Later(func() { c.statusMessage = "" })
	c.callbackOrAfter(wasmhost.OnHTTPCallResponse, c.id, o.id, 0, 0, 0)
}

// MisframedCall says what is wrong with a call of which the server awaits more. The host corrects content-length when
// there is a body.
func MisframedCall(c *upstream.Call) string {
	length, _ := c.Headers.Get("content-length")
	return fmt.Sprintf("call to %s with content-length %s and without a body: %s", c.Cluster, length, serverAwaits)
}

const serverAwaits = "the server waits for it until the timeout of the call"

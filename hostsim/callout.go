package hostsim

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// calloutIDStep: ids are multiples of 4; the other residues belong to gRPC.
const calloutIDStep = 4

// callout is an http_call in the air. It belongs to a root, also when a stream made it.
type callout struct {
	id     uint32
	root   *rootContext
	grpc   bool // its content-type is application/grpc: the host's own answers are gRPC's too
	cancel func()
}

// callResponse is an answer that the guest may read.
type callResponse struct {
	headers, trailers *headerMap
	body              []byte
}

// HTTPCall is the root's, whoever calls.
func (c *baseContext) HTTPCall(call HTTPCall) (id uint32, status Status) {
	return c.root.httpCall(call)
}

// httpCall dispatches a call. Source: Envoy context.cc httpCall; the failures as measured.
func (c *rootContext) httpCall(given HTTPCall) (uint32, Status) {
	p := c.host.process
	headers, body := newHeaderMap(given.Headers), append([]byte(nil), given.Body...)
	call := Call{
		Cluster: given.Cluster, Body: body, Trailers: given.Trailers, Timeout: time.Duration(given.TimeoutMS) * time.Millisecond,
		Worker: c.guest.worker.Index, At: p.clock.Now(),
	}
	refuse := func(s Status) (uint32, Status) {
		call.Headers, call.Status = headers.snapshot(), s
		p.calls.add(call)
		return 0, s
	}
	target, ok := p.cluster(given.Cluster)
	if !ok || given.TimeoutMS < 0 {
		return refuse(StatusBadArgument)
	}
	for _, name := range []string{":path", ":method", ":authority"} {
		if _, ok := headers.get(name); !ok {
			return refuse(StatusBadArgument)
		}
	}
	if len(body) > 0 {
		headers.set("content-length", strconv.Itoa(len(body)))
	}
	addCalloutHeaders(headers, call.Timeout)
	call.Headers = headers.snapshot()
	sent := declaredIn(call.Headers)
	sent.send(body)
	call.Awaits = sent.awaits()
	answer := target.Answer(call)
	switch answer.Fault {
	case FaultUnknown:
		return refuse(StatusBadArgument)
	case FaultNoEndpoints:
		return refuse(StatusInternalFailure)
	}
	p.calls.add(call)
	if call.Awaits > 0 && isRead(answer) {
		answer = Answer{Fault: FaultTimeout}
		c.Log(LevelError, misframedCall(&call), true)
	}
	c.guest.lastCall += calloutIDStep
	contentType, _ := headers.get("content-type")
	out := &callout{id: c.guest.lastCall, root: c, grpc: isGRPC(contentType)}
	c.calls[out.id] = out
	out.await(answer, call.Timeout)
	return out.id, StatusOK
}

// addCalloutHeaders adds what Envoy's router sends with a request of its own.
// Source: Envoy source/common/router/router.cc, async_client_impl.cc.
func addCalloutHeaders(m *headerMap, timeout time.Duration) {
	m.set("x-envoy-internal", "true")
	if timeout > 0 {
		m.set("x-envoy-expected-rq-timeout-ms", strconv.FormatInt(timeout.Milliseconds(), 10))
	}
}

func isGRPC(contentType string) bool {
	return contentType == "application/grpc" || strings.HasPrefix(contentType, "application/grpc+")
}

// await schedules the end of the call: the answer, the fault or the timeout, whichever is first.
func (o *callout) await(a Answer, timeout time.Duration) {
	t := o.root.guest.worker
	if a.Wait != nil {
		if t.process.loop.Fake == nil {
			o.awaitReal(a.Wait, timeout)
			return
		}
		ctx, cancel := context.WithCancel(t.process.loop.Background)
		defer cancel()
		a = a.Wait(ctx)
	}
	end, after := o.outcome(a), a.Delay
	switch {
	case a.Fault == FaultTimeoutMidBody:
		end, after = o.broken, timeout
	case a.Fault == FaultTimeout || timeout > 0 && a.Delay >= timeout:
		end, after = o.timedOut, timeout
	}
	o.cancel = func() {}
	if a.Fault == FaultNever || after == 0 && timeout == 0 && (a.Fault == FaultTimeout || a.Fault == FaultTimeoutMidBody) {
		return
	}
	o.cancel = t.After(after, end)
}

// awaitReal has a goroutine ask for the answer.
func (o *callout) awaitReal(wait func(context.Context) Answer, timeout time.Duration) {
	t := o.root.guest.worker
	ctx, cancel := context.WithCancel(t.process.loop.Background)
	settled := false // on the thread
	once := func(f func()) func() {
		return func() {
			if !settled {
				settled = true
				cancel()
				f()
			}
		}
	}
	stopTimer := func() {}
	if timeout > 0 {
		stopTimer = t.After(timeout, once(func() { o.timedOut() }))
	}
	o.cancel = once(stopTimer)
	t.process.loop.Spawn(func() {
		a := wait(ctx)
		if ctx.Err() != nil || t.process.loop.Closed() {
			return
		}
		t.Run(once(func() {
			stopTimer()
			if a.Fault == FaultNever {
				return
			}
			if a.Fault == FaultTimeout || a.Fault == FaultTimeoutMidBody {
				a.Fault = FaultReset // it gave up by itself; the guest's timeout was not over
			}
			o.outcome(a)()
		}))
	})
}

// outcome is what becomes of an answer that comes in time.
func (o *callout) outcome(a Answer) func() {
	switch a.Fault {
	case FaultRefuse:
		return func() { o.local(503, o.root.host.process.profile.refusedText()) }
	case FaultReset, FaultNoEndpoints, FaultUnknown:
		return func() { o.local(503, resetText) }
	case FaultNotHTTP:
		return func() { o.local(502, notHTTPText) }
	case FaultResetMidBody:
		return o.broken
	}
	if len(a.Body) > asyncResponseLimit {
		return o.broken
	}
	headers := messageHeaders(a)
	headers.set("x-envoy-upstream-service-time", strconv.FormatInt(a.Delay.Milliseconds(), 10))
	var trailers *headerMap
	if len(a.Trailers) > 0 {
		trailers = newHeaderMap(a.Trailers)
	}
	return func() { o.succeed(&callResponse{headers: headers, body: a.Body, trailers: trailers}) }
}

// Envoy's texts, as 1.40 has them.
const (
	resetText   = "upstream connect error or disconnect/reset before headers. reset reason: connection termination"
	notHTTPText = "upstream connect error or disconnect/reset before headers. reset reason: protocol error"
	timeoutText = "upstream request timeout"
)

// timedOut is a timeout before response headers.
func (o *callout) timedOut() { o.local(504, timeoutText) }

// local is an answer that the host itself makes. For a gRPC request it is 200 with the status in the headers.
func (o *callout) local(status int, body string) {
	headers := &headerMap{}
	if o.grpc {
		headers.add(":status", "200")
		headers.add("content-type", "application/grpc")
		headers.add("grpc-status", strconv.Itoa(grpcStatusOf(status)))
		headers.add("grpc-message", grpcMessage(body))
		o.succeed(&callResponse{headers: headers})
		return
	}
	headers.add(":status", strconv.Itoa(status))
	headers.add("content-length", strconv.Itoa(len(body)))
	headers.add("content-type", "text/plain")
	o.succeed(&callResponse{headers: headers, body: []byte(body)})
}

// succeed calls the guest back with an answer, on the root.
func (o *callout) succeed(r *callResponse) {
	c := o.root
	delete(c.calls, o.id)
	if c.guest.Failed() {
		return
	}
	c.response = r
	// The answer goes before what the guest asks for in the callback is done. Source: Envoy onHttpCallSuccess.
	c.guest.Later(func() { c.response = nil })
	c.callbackOrAfter(onHTTPCallResponse, c.id, o.id, uint32(r.headers.size()), uint32(len(r.body)), uint32(r.trailers.size()))
}

// broken is a response that ended midway: no headers, no body, and a status code that stays for good.
func (o *callout) broken() {
	c := o.root
	delete(c.calls, o.id)
	if c.guest.Failed() {
		return
	}
	c.statusCode, c.statusMessage = StatusBrokenConnection, "reset"
	c.guest.Later(func() { c.statusMessage = "" })
	c.callbackOrAfter(onHTTPCallResponse, c.id, o.id, 0, 0, 0)
}

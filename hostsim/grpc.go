package hostsim

import (
	"context"
	"strconv"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/wire"
)

// The ids of gRPC calls and streams, by their remainder: see calloutIDStep. Each kind counts for itself, from 5 and 6.
const (
	grpcCallResidue   = 1
	grpcStreamResidue = 2
)

// grpcExchange is a gRPC call or stream in the air. It belongs to a root. Source: Envoy context.cc grpcCall, grpcStream,
// source/common/grpc/async_client_impl.cc; the outcomes as measured.
type grpcExchange struct {
	id     uint32
	root   *rootContext
	unary  bool
	call   Call
	server GRPCCluster // nil for a Cluster that answers once

	sentEnd, localClosed bool // the guest's side
	over                 bool // nothing comes any more
	started              bool // response headers have come
	response             []byte
	responded            bool // a unary call has its message

	stops     []func()
	busyUntil time.Time // when the last scheduled reply is due
}

// OpenGRPC begins an exchange of the root, whoever asks.
func (c *baseContext) OpenGRPC(o GRPCOpening) (id uint32, status Status) { return c.root.openGRPC(o) }

// SendGRPC sends a message on a stream. BadArgument: not the id of a stream. NotFound: no such stream.
func (c *baseContext) SendGRPC(id uint32, message []byte, end bool) Status {
	if id%calloutIDStep != grpcStreamResidue {
		return StatusBadArgument
	}
	x, ok := c.root.grpc[id]
	if !ok {
		return StatusNotFound
	}
	x.send(append([]byte(nil), message...), end)
	return StatusOK
}

// CancelGRPC forgets a call, or resets a stream. BadArgument: the id is of neither kind. NotFound: no such call or stream.
func (c *baseContext) CancelGRPC(id uint32) Status {
	x, status := c.findGRPC(id)
	if x != nil {
		x.cancel()
	}
	return status
}

// CloseGRPC cancels a call, or ends the guest's side of a stream. Errors as in CancelGRPC.
func (c *baseContext) CloseGRPC(id uint32) Status {
	x, status := c.findGRPC(id)
	switch {
	case x == nil:
	case x.unary:
		x.cancel()
	default:
		x.localClosed = true
		x.send(nil, true)
	}
	return status
}

func (c *baseContext) findGRPC(id uint32) (*grpcExchange, Status) {
	if r := id % calloutIDStep; r != grpcCallResidue && r != grpcStreamResidue {
		return nil, StatusBadArgument
	}
	if x, ok := c.root.grpc[id]; ok {
		return x, StatusOK
	}
	return nil, StatusNotFound
}

// openGRPC begins an exchange.
func (c *rootContext) openGRPC(o GRPCOpening) (uint32, Status) {
	p := c.host.process
	name, parsed, status := grpcTarget(o.Service)
	if status != StatusOK {
		c.Log(LevelCritical, "GrpcService without a target: Envoy aborts here (unset oneof)", true)
		return 0, status
	}
	target, ok := p.cluster(name)
	x := &grpcExchange{root: c, unary: o.Unary, call: Call{
		Cluster: name, Timeout: o.Timeout, Worker: c.guest.worker.Index, At: p.clock.Now(), Headers: grpcHeaders(name, o),
	}}
	if o.Unary {
		x.call.Body, x.sentEnd = wire.AppendFrame(nil, o.Message), true
	}
	var answer Answer
	if ok {
		if x.server, ok = target.(GRPCCluster); !ok {
			answer = target.Answer(x.call)
		} else {
			answer.Fault = FaultNever // replies come by themselves
		}
		ok = answer.Fault != FaultUnknown
	}
	if !ok && !parsed {
		x.call.Status = StatusParseFailure
		p.calls.add(x.call)
		return 0, StatusParseFailure
	}
	x.id = c.guest.nextGRPC(o.Unary)
	if !ok {
		return x.refuse(func() { x.remoteClose(grpcUnavailable, "Cluster not available") })
	}
	var reply GRPCReply
	if x.server != nil {
		reply = x.server.GRPC(GRPCRequest{Call: x.call, ID: x.id, Opening: true, Message: o.Message, End: o.Unary})
	}
	if answer.Fault == FaultNoEndpoints || reply.Fault == FaultNoEndpoints {
		return x.refuse(func() { x.local("no healthy upstream", "no_healthy_upstream") })
	}
	c.grpc[x.id] = x
	p.calls.add(x.call)
	if x.unary && o.Timeout > 0 {
		x.after(o.Timeout, x.timedOut)
	}
	if x.server != nil {
		x.schedule(reply)
	} else {
		x.await(answer)
	}
	return x.id, StatusOK
}

// grpcTarget reads the service: a GrpcService, of which only envoy_grpc.cluster_name counts, or else a cluster's name.
// parsed says which. A name that happens to be a valid message ("empty" is one) has no target, which aborts Envoy.
func grpcTarget(service string) (cluster string, parsed bool, status Status) {
	fields, ok := wire.ParseMessage([]byte(service))
	if !ok {
		return service, false, StatusOK
	}
	const envoyGRPC, clusterName = 1, 1 // envoy.config.core.v3.GrpcService
	found := false
	for _, f := range fields {
		if f.ID != envoyGRPC || !f.Len {
			continue
		}
		inner, ok := wire.ParseMessage(f.Bytes)
		if !ok {
			return service, false, StatusOK
		}
		found = true
		for _, g := range inner {
			if g.ID == clusterName && g.Len {
				cluster = string(g.Bytes)
			}
		}
	}
	if !found {
		return "", true, StatusInternalFailure
	}
	return cluster, true, StatusOK
}

// grpcHeaders are the request's. Source: Envoy source/common/grpc/common.cc prepareHeaders; the guest's are added.
func grpcHeaders(cluster string, o GRPCOpening) Headers {
	m := &headerMap{}
	m.add(":method", "POST")
	m.add(":path", o.Path)
	m.add(":authority", cluster)
	m.add(":scheme", "http")
	m.add("te", "trailers")
	if o.Unary {
		m.add("grpc-timeout", strconv.FormatInt(o.Timeout.Milliseconds(), 10)+"m")
	}
	m.add("content-type", "application/grpc")
	for _, h := range o.Metadata {
		m.add(lowerName(h.Name), h.Value)
	}
	addCalloutHeaders(m, o.Timeout)
	return m.snapshot()
}

// nextGRPC takes the next id of a kind.
func (g *guest) nextGRPC(unary bool) uint32 {
	if unary {
		g.lastGRPCCall += calloutIDStep
		return g.lastGRPCCall + grpcCallResidue
	}
	g.lastGRPCStream += calloutIDStep
	return g.lastGRPCStream + grpcStreamResidue
}

// refuse is a failure inside the hostcall: the guest gets InternalFailure, and how it ended afterwards.
func (x *grpcExchange) refuse(end func()) (uint32, Status) {
	x.call.Status = StatusInternalFailure
	x.root.host.process.calls.add(x.call)
	end()
	return 0, StatusInternalFailure
}

// await schedules a Cluster's one answer.
func (x *grpcExchange) await(a Answer) {
	if a.Wait == nil {
		x.answer(a)
		return
	}
	t := x.root.guest.worker
	ctx, cancel := context.WithCancel(t.process.loop.Background)
	if t.process.loop.Fake != nil {
		defer cancel()
		x.answer(a.Wait(ctx))
		return
	}
	x.stops = append(x.stops, cancel)
	t.process.loop.Spawn(func() {
		defer cancel()
		if a := a.Wait(ctx); ctx.Err() == nil {
			t.Run(func() { x.answer(a) })
		}
	})
}

// after runs f on the exchange's thread unless it is over by then.
func (x *grpcExchange) after(d time.Duration, f func()) {
	x.stops = append(x.stops, x.root.guest.worker.After(d, func() {
		if !x.over {
			f()
		}
	}))
}

// send is a message, or just the end, from the guest.
func (x *grpcExchange) send(message []byte, end bool) {
	if x.over || x.sentEnd {
		return
	}
	x.sentEnd = end
	p := x.root.host.process
	if message != nil {
		call := x.call
		call.Body, call.At = wire.AppendFrame(nil, message), p.clock.Now()
		p.calls.add(call)
	}
	if x.server != nil {
		x.schedule(x.server.GRPC(GRPCRequest{Call: x.call, ID: x.id, Message: message, End: end}))
	}
}

// cancel ends the exchange without a callback.
func (x *grpcExchange) cancel() {
	x.finish()
	delete(x.root.grpc, x.id)
}

func (x *grpcExchange) finish() {
	x.over = true
	for _, stop := range x.stops {
		stop()
	}
	x.stops = nil
}

package envoy

import (
	"context"
	"strconv"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/header"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wire"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// The ids of gRPC calls and streams, by their remainder: see calloutIDStep. Each kind is counted separately, from 5 and
// 6.
const (
	grpcCallResidue   = 1
	grpcStreamResidue = 2
)

// grpcExchange is a gRPC call or stream in flight. It belongs to a root. Source: Envoy context.cc grpcCall, grpcStream,
// source/common/grpc/async_client_impl.cc; the outcomes as measured.
type grpcExchange struct {
	id     uint32
	root   *rootContext
	unary  bool
	call   upstream.Call
	server upstream.GRPCCluster // nil for a Cluster that answers once

	sentEnd, localClosed bool // the guest's side
	over                 bool // nothing comes any more
	started              bool // response headers have come
	response             []byte
	responded            bool // a unary call has its message

	stops     []func()
	busyUntil time.Time // when the last scheduled reply is due
}

// OpenGRPC begins an exchange of the root, whichever context asks.
func (c *BaseContext) OpenGRPC(o wasmhost.GRPCOpening) (id uint32, status abi.Status) {
	return c.Root.openGRPC(o)
}

// SendGRPC sends a message on a stream. BadArgument: not the id of a stream. NotFound: no such stream.
func (c *BaseContext) SendGRPC(id uint32, message []byte, end bool) abi.Status {
	if id%calloutIDStep != grpcStreamResidue {
		return abi.StatusBadArgument
	}
	x, ok := c.Root.grpc[id]
	if !ok {
		return abi.StatusNotFound
	}
	x.send(append([]byte{}, message...), end) // an empty one is sent, too
	return abi.StatusOK
}

// CancelGRPC forgets a call, or resets a stream. BadArgument: the id is of neither kind. NotFound: no such call or stream.
func (c *BaseContext) CancelGRPC(id uint32) abi.Status {
	x, status := c.findGRPC(id)
	if x != nil {
		x.cancel()
	}
	return status
}

// CloseGRPC cancels a call, or ends the guest's side of a stream. Errors as in CancelGRPC.
func (c *BaseContext) CloseGRPC(id uint32) abi.Status {
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

func (c *BaseContext) findGRPC(id uint32) (*grpcExchange, abi.Status) {
	if r := id % calloutIDStep; r != grpcCallResidue && r != grpcStreamResidue {
		return nil, abi.StatusBadArgument
	}
	if x, ok := c.Root.grpc[id]; ok {
		return x, abi.StatusOK
	}
	return nil, abi.StatusNotFound
}

// openGRPC begins an exchange.
func (c *rootContext) openGRPC(o wasmhost.GRPCOpening) (uint32, abi.Status) {
	p := c.Host.Process
	name, parsed, status := grpcTarget(o.Service)
	if status != abi.StatusOK {
		c.Log(abi.LevelCritical, "GrpcService without a target: Envoy aborts here (unset oneof)", true)
		return 0, status
	}
	target, ok := p.cluster(name)
	x := &grpcExchange{root: c, unary: o.Unary, call: upstream.Call{
		Cluster: name, Timeout: o.Timeout, Worker: c.Guest.worker.Index, At: p.Clock.Now(), Headers: grpcHeaders(name, o),
	}}
	if o.Unary {
		x.call.Body, x.sentEnd = wire.AppendFrame(nil, o.Message), true
	}
	var answer upstream.Answer
	if ok {
		if x.server, ok = target.(upstream.GRPCCluster); !ok {
			answer = target.Answer(x.call)
		} else {
			answer.Fault = upstream.FaultNever // replies come by themselves
		}
		ok = answer.Fault != upstream.FaultUnknown
	}
	if !ok && !parsed {
		x.call.Status = abi.StatusParseFailure
		p.Calls.Add(x.call)
		return 0, abi.StatusParseFailure
	}
	x.id = c.Guest.nextGRPC(o.Unary)
	if !ok {
		return x.refuse(func() { x.remoteClose(GRPCUnavailable, "Cluster not available") })
	}
	var reply upstream.GRPCReply
	if x.server != nil {
		reply = x.server.GRPC(upstream.GRPCRequest{Call: x.call, ID: x.id, Opening: true, Message: o.Message, End: o.Unary})
	}
	if answer.Fault == upstream.FaultNoEndpoints || reply.Fault == upstream.FaultNoEndpoints {
		return x.refuse(func() { x.local("no healthy upstream", "no_healthy_upstream") })
	}
	c.grpc[x.id] = x
	p.Calls.Add(x.call)
	if x.unary && o.Timeout > 0 {
		x.after(o.Timeout, x.timedOut)
	}
	if x.server != nil {
		x.schedule(reply)
	} else {
		x.await(answer)
	}
	return x.id, abi.StatusOK
}

// grpcTarget reads the service: a GrpcService, of which only envoy_grpc.cluster_name counts, or else a cluster's name.
// parsed says which it was. A name that happens to be a valid message ("empty" is one) has no target, which aborts
// Envoy.
func grpcTarget(service string) (cluster string, parsed bool, status abi.Status) {
	fields, ok := wire.ParseMessage([]byte(service))
	if !ok {
		return service, false, abi.StatusOK
	}
	const envoyGRPC, clusterName = 1, 1 // envoy.config.core.v3.GrpcService
	found := false
	for _, f := range fields {
		if f.ID != envoyGRPC || !f.Len {
			continue
		}
		inner, ok := wire.ParseMessage(f.Bytes)
		if !ok {
			return service, false, abi.StatusOK
		}
		found = true
		for _, g := range inner {
			if g.ID == clusterName && g.Len {
				cluster = string(g.Bytes)
			}
		}
	}
	if !found {
		return "", true, abi.StatusInternalFailure
	}
	return cluster, true, abi.StatusOK
}

// grpcHeaders are the request's headers. Source: Envoy source/common/grpc/common.cc prepareHeaders; the guest's are
// added.
func grpcHeaders(cluster string, o wasmhost.GRPCOpening) abi.Headers {
	m := &header.Map{}
	m.Add(":method", "POST")
	m.Add(":path", o.Path)
	m.Add(":authority", cluster)
	m.Add(":scheme", "http")
	m.Add("te", "trailers")
	if o.Unary {
		m.Add("grpc-timeout", strconv.FormatInt(o.Timeout.Milliseconds(), 10)+"m")
	}
	m.Add("content-type", "application/grpc")
	for _, h := range o.Metadata {
		m.Add(header.LowerName(h.Name), h.Value)
	}
	addCalloutHeaders(m, o.Timeout)
	return m.Snapshot()
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

// refuse is a failure inside the hostcall: the guest gets InternalFailure, and afterwards how the call ended.
func (x *grpcExchange) refuse(end func()) (uint32, abi.Status) {
	x.call.Status = abi.StatusInternalFailure
	x.root.Host.Process.Calls.Add(x.call)
	end()
	return 0, abi.StatusInternalFailure
}

// await schedules a Cluster's one answer.
func (x *grpcExchange) await(a upstream.Answer) {
	if a.Wait == nil {
		x.answer(a)
		return
	}
	t := x.root.Guest.worker
	ctx, cancel := context.WithCancel(t.process.Loop.Background)
	if t.process.Loop.Fake != nil {
		defer cancel()
		x.answer(a.Wait(ctx))
		return
	}
	x.stops = append(x.stops, cancel)
	t.process.Loop.Spawn(func() {
		defer cancel()
		if a := a.Wait(ctx); ctx.Err() == nil {
			t.Run(func() { x.answer(a) })
		}
	})
}

// after runs f on the exchange's thread unless it is over by then.
func (x *grpcExchange) after(d time.Duration, f func()) {
	x.stops = append(x.stops, x.root.Guest.worker.After(d, func() {
		if !x.over {
			f()
		}
	}).Stop)
}

// send is a message, or just the end, from the guest.
func (x *grpcExchange) send(message []byte, end bool) {
	if x.over || x.sentEnd {
		return
	}
	x.sentEnd = end
	p := x.root.Host.Process
	if message != nil {
		call := x.call
		call.Body, call.At = wire.AppendFrame(nil, message), p.Clock.Now()
		p.Calls.Add(call)
	}
	if x.server != nil {
		x.schedule(x.server.GRPC(upstream.GRPCRequest{Call: x.call, ID: x.id, Message: message, End: end}))
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

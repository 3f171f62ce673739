// Package upstream describes the servers behind a filter, which are the clusters that it calls and the backend: what
// they are asked, how they answer, and the ways in which they fail.
package upstream

import (
	"context"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

// Fault is a way in which a cluster or the backend fails. The empty Fault is none.
type Fault string

// The faults. What the guest sees of each is Envoy's: see Answer.
const (
	// FaultUnknown: no such cluster. A dispatch answers BadArgument. For the backend: 503 without a body.
	FaultUnknown Fault = "unknown"
	// FaultNoEndpoints: no healthy host, or a circuit breaker is open. A dispatch answers InternalFailure and there is
	// no callback. For the backend: 503 "no healthy upstream".
	FaultNoEndpoints Fault = "no_endpoints"
	// FaultRefuse: the connection cannot be made. The callback sees :status 503.
	FaultRefuse Fault = "refuse"
	// FaultReset: the connection is reset before response headers. The callback sees :status 503.
	FaultReset Fault = "reset"
	// FaultTimeout: no answer ever. The callback sees :status 504 when the guest's timeout ends.
	FaultTimeout Fault = "timeout"
	// FaultNotHTTP: the answer is not HTTP. The callback sees :status 502.
	FaultNotHTTP Fault = "not_http"
	// FaultResetMidBody: reset after the headers. The callback sees no headers and no body.
	FaultResetMidBody Fault = "reset_mid_body"
	// FaultTimeoutMidBody: the headers come, the rest never. Like FaultResetMidBody when the timeout ends.
	FaultTimeoutMidBody Fault = "timeout_mid_body"
	// FaultNever: no callback ever, not even when the guest's timeout ends. No Envoy that was measured does this: it is
	// there to test a guest's own deadline. For the backend it is FaultTimeout.
	FaultNever Fault = "never"
)

// Call is a request that the guest dispatched, or one that reached the backend.
type Call struct {
	Cluster  string
	Headers  abi.Headers // pseudo headers included
	Body     []byte
	Trailers abi.Headers
	// Timeout is the guest's; 0 means none.
	Timeout time.Duration
	// Worker is the thread that the call was made on: 0 for the main thread, else the worker's number from 1.
	Worker int
	// At is when it was dispatched.
	At time.Time
	// Awaits is how many bytes the server waits for in vain: content-length promised more than was sent. It has not read
	// the request to its end and does not answer, whatever Cluster says.
	Awaits int
	// Status is what the dispatch answered to the guest; with anything but StatusOK nothing was sent.
	Status abi.Status
}

// Request is a request as the backend saw it.
type Request struct {
	Headers  abi.Headers
	Body     []byte
	Trailers abi.Headers
	// Complete: the backend has read it to its end. A request that the plugin let go and then cut is not complete.
	Complete bool
	// Awaits is how many bytes the backend waits for in vain, until the route's timeout: content-length promised more.
	// Excess is what came after the body. Another request on the same connection begins with it.
	Awaits int
	Excess []byte
}

// Answer is how a cluster or the backend answers one Call. The zero Answer is status 200 without headers or body.
type Answer struct {
	// Delay passes on the clock before the answer, or before the fault.
	Delay   time.Duration
	Fault   Fault
	Status  int // 0 means 200
	Headers abi.Headers
	Body    []byte
	// BodyIn says how the backend's body arrives: in pieces of this many bytes; 0 means in one piece. A call's answer
	// always arrives whole.
	BodyIn   int
	Trailers abi.Headers
	// Wait, when it is set, is asked for the real answer, and the other fields are ignored. On a real clock it runs on
	// a goroutine of its own and may block until ctx ends, which it does with the call's timeout or cancellation; on a
	// fake clock it runs inline and must not block.
	Wait func(ctx context.Context) Answer
	// Held, when it is set, gives the real answer to a guest's call later, and the other fields are ignored.
	Held *Held
}

// Cluster answers calls. On a process with several workers it is called from several goroutines. It must not block and
// must not call into the Host that asks.
type Cluster interface {
	Answer(Call) Answer
}

// ClusterFunc makes a Cluster of a function.
type ClusterFunc func(Call) Answer

// Answer calls f.
func (f ClusterFunc) Answer(c Call) Answer { return f(c) }

// Answer makes a fixed answer usable as a Cluster.
func (a Answer) Answer(Call) Answer { return a }

// Respond is a fixed answer: a status, a body, and header names and values in turn.
func Respond(status int, body string, headers ...string) Answer {
	a := Answer{Status: status, Body: []byte(body)}
	for i := 0; i+1 < len(headers); i += 2 {
		a.Headers = append(a.Headers, abi.Header{Name: headers[i], Value: headers[i+1]})
	}
	return a
}

// Fail is a fixed answer that fails.
func Fail(f Fault) Answer { return Answer{Fault: f} }

package hostdriver

import (
	"fmt"
	"sync"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// server is a cluster's only host, or the backend: it answers as the scenario says and keeps what it read.
type server struct {
	mu     sync.Mutex
	answer scenario.Answer
	seen   []scenario.Request
}

func (s *server) set(a scenario.Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = a
}

// take returns what was read since the last take.
func (s *server) take() []scenario.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen
	s.seen = nil
	return seen
}

// Answer is asked by the simulated host for each request that leaves it.
func (s *server) Answer(c upstream.Call) upstream.Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.answer.Fault.Static() && c.Awaits == 0 {
		s.seen = append(s.seen, SeenRequest(c.Headers, c.Body))
	}
	return wireAnswer(s.answer)
}

// faults are the simulated host's words for the faults that send no response.
var faults = map[scenario.Fault]upstream.Fault{
	scenario.FaultRefuse:      upstream.FaultRefuse,
	scenario.FaultTimeout:     upstream.FaultTimeout,
	scenario.FaultReset:       upstream.FaultReset,
	scenario.FaultNoEndpoints: upstream.FaultNoEndpoints,
	scenario.FaultUnknown:     upstream.FaultUnknown,
	scenario.FaultNotHTTP:     upstream.FaultNotHTTP,
}

// Answer is a scenario's answer as the simulated host takes it from a cluster. A cluster that is FaultUnknown must not be
// defined at all.
func Answer(a scenario.Answer) upstream.Answer { return wireAnswer(a) }

// wireAnswer translates an answer. A fault without a translation is a programming error: answering well instead would
// turn a scenario about a failure into one about success.
func wireAnswer(a scenario.Answer) upstream.Answer {
	r := a.OnWire()
	out := upstream.Answer{Delay: a.Delay, Status: r.Status, Body: r.Body}
	for _, h := range r.Headers {
		out.Headers = append(out.Headers, abi.Header(h))
	}
	for _, h := range r.Trailers {
		out.Trailers = append(out.Trailers, abi.Header(h))
	}
	switch a.Fault {
	case "", scenario.FaultSlow, scenario.FaultOversize:
		return out
	case scenario.FaultResetMidBody:
		out.Fault = upstream.FaultResetMidBody
		return out
	case scenario.FaultTimeoutMidBody:
		out.Fault = upstream.FaultTimeoutMidBody
		return out
	}
	fault, ok := faults[a.Fault]
	if !ok {
		panic(fmt.Sprintf("hostdriver: no translation of fault %q", a.Fault))
	}
	return upstream.Answer{Fault: fault, Delay: a.Delay}
}

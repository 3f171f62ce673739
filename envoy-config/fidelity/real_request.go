package fidelity

import (
	"context"
	"errors"
	"sync"
	"time"
)

type pendingRequest struct {
	done     sync.WaitGroup
	times    int
	response response
	err      error
}

// repeat sends a request as often as it says, and keeps all responses as one.
func (p *pendingRequest) repeat(ctx context.Context, address string, asked *Request) {
	responses, errs := make([]response, p.times), make([]error, p.times)
	var sent sync.WaitGroup
	for i := range p.times {
		sent.Go(func() { responses[i], errs[i] = send(ctx, address, asked) })
	}
	sent.Wait()
	p.response, p.err = together(responses), errors.Join(errs...)
}

func (r *real) request(ctx context.Context, asked *Request, name string) error {
	listener := r.c.listener(asked.Plugin)
	address, err := r.envoy.process.Listener(ctx, listener)
	if err != nil {
		return err
	}
	r.total[listener] += max(asked.Times, 1)
	p := &pendingRequest{times: max(asked.Times, 1)}
	p.done.Go(func() { p.repeat(ctx, address, asked) })
	r.seen.responses = append(r.seen.responses, response{request: name})
	r.pending[name] = p
	if asked.Background {
		if err := r.envoy.quiet(ctx, listener, r.total[listener], r.inTheAir()); err != nil {
			return err
		}
		time.Sleep(settling)
		return nil
	}
	if err := r.wait(name); err != nil {
		return err
	}
	return r.envoy.quiet(ctx, listener, r.total[listener], r.inTheAir())
}

func (r *real) inTheAir() int {
	n := 0
	for _, p := range r.pending {
		n += p.times
	}
	return n
}

// wait collects a request, once.
func (r *real) wait(name string) error {
	p, ok := r.pending[name]
	if !ok {
		return nil
	}
	delete(r.pending, name)
	p.done.Wait()
	if p.err != nil {
		return p.err
	}
	for i := range r.seen.responses {
		if r.seen.responses[i].request == name {
			p.response.request = name
			r.seen.responses[i] = p.response
		}
	}
	return nil
}

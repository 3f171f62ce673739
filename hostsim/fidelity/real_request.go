package fidelity

import (
	"context"
	"errors"
	"regexp"
	"sync"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario/verbatim"
)

type pendingRequest struct {
	done     chan struct{}
	giveUp   context.CancelCauseFunc
	listener string
	times    int
	response response
	err      error
}

// repeat sends a request as often as it says, and keeps all responses as one.
func (p *pendingRequest) repeat(ctx context.Context, address string, asked *Request) {
	responses, errs := make([]response, p.times), make([]error, p.times)
	var sent sync.WaitGroup
	for i := range p.times {
		sent.Go(func() {
			began := time.Now()
			responses[i].Reply, errs[i] = exchange(ctx, address, asked)
			if took := time.Since(began); asked.Timed {
				responses[i].took = &took
			}
		})
	}
	sent.Wait()
	p.response, p.err = together(responses), errors.Join(errs...)
}

// responseTimeout bounds one exchange.
const responseTimeout = 20 * time.Second

func exchange(ctx context.Context, address string, r *Request) (verbatim.Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, responseTimeout)
	defer cancel()
	return verbatim.Exchange(ctx, address, r.Request, r.Gone)
}

func (r *real) request(ctx context.Context, asked *Request, name string) error {
	listener := r.c.listener(asked.Plugin)
	address, err := r.envoy.process.Listener(ctx, listener)
	if err != nil {
		return err
	}
	r.total[listener] += max(asked.Times, 1)
	p := &pendingRequest{times: max(asked.Times, 1), listener: listener, done: make(chan struct{})}
	sending, giveUp := context.WithCancelCause(ctx)
	p.giveUp = giveUp
	go func() {
		defer close(p.done)
		p.repeat(sending, address, asked)
	}()
	r.seen.responses = append(r.seen.responses, response{request: name})
	r.pending[name] = p
	if asked.Background {
		if err := r.envoy.quiet(ctx, listener, r.total[listener], r.inTheAir()); err != nil {
			return err
		}
		time.Sleep(verbatim.Settling)
		return nil
	}
	if err := r.wait(ctx, name); err != nil {
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

// patience is how long a client waits for the rest of a response that Envoy is done with: longer than the second that Envoy
// takes to close a connection (delayed_close_timeout).
const patience = 1600 * time.Millisecond

// awaitEnd waits for a response. A client to whom Envoy has nothing more to send gives up.
func (r *real) awaitEnd(ctx context.Context, p *pendingRequest) error {
	var idle time.Duration
	for idle < patience {
		select {
		case <-p.done:
			return nil
		case <-time.After(patience / 16):
		}
		stat := "http." + p.listener + ".downstream_rq_active"
		now, err := r.envoy.process.Stats(ctx, "^"+regexp.QuoteMeta(stat)+"$")
		if err != nil {
			return err
		}
		if idle += patience / 16; now.Number[stat] > 0 {
			idle = 0
		}
	}
	p.giveUp(verbatim.ErrHangs)
	<-p.done
	return nil
}

// wait collects a request, once.
func (r *real) wait(ctx context.Context, name string) error {
	p, ok := r.pending[name]
	if !ok {
		return nil
	}
	delete(r.pending, name)
	if err := r.awaitEnd(ctx, p); err != nil {
		return err
	}
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

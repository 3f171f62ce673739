package scenario

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// player plays the steps of one file.
type player struct {
	inst  Instance
	watch *hostcallWatch
	// metrics tells that the file expects some, somewhere.
	metrics bool
	// underWay has the requests that are, with the variables of when they began.
	underWay map[*asked]*expander
	// before has the metrics of when the first of them began, or of the last
	// section wait.
	before map[string]int64
}

// expectsMetrics is whether a section does.
func (f *File) expectsMetrics() bool {
	return slices.ContainsFunc(f.steps, func(s step) bool { return s.exchange != nil && s.exchange.metrics != nil })
}

func (p *player) step(ctx context.Context, s step, x *expander) ([]finding, error) {
	switch {
	case s.cluster != nil:
		p.inst.SetCluster(s.cluster.name, x.answer(s.cluster.answer))
	case s.upstream != nil:
		p.inst.SetUpstream(x.answer(*s.upstream))
	case s.advance != 0:
		p.inst.Advance(s.advance)
	case s.hostcall != nil:
		return nil, setHostcall(p.inst, x.hostcall(*s.hostcall))
	case s.begin != nil:
		return nil, p.begin(ctx, s.begin, x)
	case s.exchange != nil:
		return p.exchange(ctx, s.exchange, x)
	}
	return nil, nil
}

// seen is everything that a driver showed of one exchange.
type seen struct {
	Outcome
	before, after map[string]int64
	trace         Trace
}

// exchange plays one from its request, or from its section wait, to its end.
func (p *player) exchange(ctx context.Context, e *exchange, x *expander) ([]finding, error) {
	var s seen
	var err error
	if only := e.asked[0]; only.plain() && len(p.underWay) == 0 {
		s, err = p.do(ctx, e, x)
	} else {
		if only.Name == "" {
			err = p.begin(ctx, only, x)
		}
		if err == nil {
			s, err = p.finish(ctx, e)
		}
	}
	if err != nil {
		return nil, err
	}
	s.Outcome = s.joined()
	findings := compareExchange(e, s, x, p.underWay)
	for _, a := range e.asked {
		delete(p.underWay, a)
	}
	return findings, nil
}

// do plays a request that is waited for.
func (p *player) do(ctx context.Context, e *exchange, x *expander) (s seen, err error) {
	if e.metrics != nil {
		if s.before, err = p.readMetrics(ctx); err != nil {
			return s, fmt.Errorf("read metrics before the request: %w", err)
		}
	}
	p.watch.take()
	result, err := e.asked[0].play(ctx, p.inst, x)
	if err != nil {
		return s, err
	}
	s.Outcome, s.trace = result.outcome(), p.watch.take()
	if e.metrics != nil {
		if s.after, err = p.readMetrics(ctx); err != nil {
			return s, fmt.Errorf("read metrics after the request: %w", err)
		}
	}
	return s, nil
}

var errNoTraffic = errors.New("the driver has one request under way at a time")

func (p *player) begin(ctx context.Context, a *asked, x *expander) (err error) {
	inst, ok := p.inst.(TrafficInstance)
	if !ok {
		return errNoTraffic
	}
	if len(p.underWay) == 0 {
		if p.metrics {
			if p.before, err = p.readMetrics(ctx); err != nil {
				return fmt.Errorf("read metrics before the request: %w", err)
			}
		}
		p.watch.take()
	}
	sent := a.Sent
	sent.Request = x.request(sent.Request)
	if err := inst.Begin(ctx, sent); err != nil {
		return fmt.Errorf("begin request %s: %w", a.Name, err)
	}
	p.underWay[a] = x
	return nil
}

func (p *player) finish(ctx context.Context, e *exchange) (s seen, err error) {
	names := make([]string, len(e.asked))
	for i, a := range e.asked {
		names[i] = a.Name
	}
	if s.Outcome, err = p.inst.(TrafficInstance).Finish(ctx, names); err != nil {
		return s, fmt.Errorf("wait for the request: %w", err)
	}
	s.trace, s.before = p.watch.take(), p.before
	if p.metrics {
		if s.after, err = p.readMetrics(ctx); err != nil {
			return s, fmt.Errorf("read metrics after the request: %w", err)
		}
		p.before = s.after
	}
	return s, nil
}

// readMetrics gives a copy: a driver may hand out its live map.
func (p *player) readMetrics(ctx context.Context) (map[string]int64, error) {
	m, err := p.inst.Metrics(ctx)
	return maps.Clone(m), err
}

package envoydriver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/verbatim"
)

// traffic is what is under way beside each other. While there is any, the instance holds the driver's lock: other
// scenarios' numbers would be among those that it looks at.
type traffic struct {
	underWay map[string]*pending
	before   envoyrun.Stats
	sent     int // requests, since before
	mark     int // of the log
	cancel   context.CancelFunc
}

// pending is a request, sent as often as it says.
type pending struct {
	done      sync.WaitGroup
	gone      bool
	responses []scenario.Response
	errs      []error
}

var _ scenario.TrafficInstance = (*instance)(nil)

// lock takes the driver for itself, unless the instance has it already.
func (i *instance) lock() (unlock func()) {
	if i.traffic != nil {
		return func() {}
	}
	i.driver.mu.Lock()
	return i.driver.mu.Unlock
}

// Begin sends a request; see scenario.TrafficInstance.
func (i *instance) Begin(ctx context.Context, s scenario.Sent) error {
	if i.traffic == nil {
		if err := i.beginTraffic(ctx); err != nil {
			return err
		}
	}
	t := i.traffic
	ctx, cancel := context.WithCancel(ctx)
	before := t.cancel
	t.cancel = func() { cancel(); before() }
	n := max(s.Times, 1)
	p := &pending{gone: s.Gone > 0, responses: make([]scenario.Response, n), errs: make([]error, n)}
	t.underWay[s.Name] = p
	t.sent += n
	for k := range n {
		p.done.Go(func() {
			if !p.gone {
				p.responses[k], p.errs[k] = verbatim.Send(ctx, i.address, s.Request)
				return
			}
			_, p.errs[k] = verbatim.Exchange(ctx, i.address, s.Request, s.Gone)
		})
	}
	return i.arrived(ctx)
}

func (i *instance) beginTraffic(ctx context.Context) (err error) {
	i.driver.mu.Lock()
	t := &traffic{underWay: map[string]*pending{}, cancel: func() {}}
	if t.before, err = i.counts(ctx); err == nil {
		err = i.driver.reports.begin(ctx, i.driver.envoy.Process)
	}
	if err != nil {
		i.driver.mu.Unlock()
		return err
	}
	i.takeAll()
	t.mark = i.driver.envoy.Log().Len()
	i.traffic = t
	return nil
}

// arrived waits until Envoy has all that was sent, and has done with it what needs no time.
func (i *instance) arrived(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	err := i.driver.envoy.Poll(ctx, func() (bool, error) {
		now, err := i.counts(ctx)
		return now.Number[i.streams("total")] >= i.traffic.before.Number[i.streams("total")]+uint64(i.traffic.sent), err
	})
	time.Sleep(verbatim.Settling)
	return err
}

// Finish waits for responses; see scenario.TrafficInstance.
func (i *instance) Finish(ctx context.Context, names []string) (scenario.Outcome, error) {
	t := i.traffic
	out := scenario.Outcome{Responses: map[string][]scenario.Response{}}
	for _, name := range names {
		p := t.underWay[name]
		p.done.Wait()
		if err := errors.Join(p.errs...); err != nil {
			return out, err
		}
		if !p.gone {
			out.Responses[name] = p.responses
		}
		for range p.responses {
			i.driver.reports.end()
		}
		delete(t.underWay, name)
	}
	if len(t.underWay) > 0 {
		time.Sleep(verbatim.Settling)
	} else if err := i.settle(ctx, t.before, t.sent); err != nil {
		return out, fmt.Errorf("wait for the end of the requests: %w", err)
	}
	log := i.driver.envoy.Log()
	if err := log.Sync(ctx); err != nil {
		return out, err
	}
	out.Calls, out.Backend = i.takeAll()
	out.Log, t.mark = i.guestLines(log.Since(t.mark)), log.Len()
	if len(t.underWay) == 0 {
		i.abandon()
	}
	return out, nil
}

// abandon ends what is under way, and gives the driver free.
func (i *instance) abandon() {
	if i.traffic == nil {
		return
	}
	i.traffic.cancel()
	for _, p := range i.traffic.underWay {
		p.done.Wait()
	}
	i.traffic = nil
	i.driver.mu.Unlock()
}

package hostdriver

import (
	"context"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// traffic is what is under way beside each other.
type traffic struct {
	underWay map[string][]*hostsim.Pending
	gone     map[string]bool // those whose clients leave
	mark     map[*hostsim.Host]int
}

var _ scenario.TrafficInstance = (*instance)(nil)

// Begin starts a request as often as it says; see scenario.TrafficInstance.
func (in *instance) Begin(_ context.Context, s scenario.Sent) error {
	t := &in.traffic
	if len(t.underWay) == 0 {
		in.takeCalls()
		*t = traffic{underWay: map[string][]*hostsim.Pending{}, gone: map[string]bool{}, mark: map[*hostsim.Host]int{}}
		in.newLog()
	}
	t.gone[s.Name] = s.Gone > 0
	for range max(s.Times, 1) {
		asked := in.next(s.Request)
		asked.ClientGoneAfter = s.Gone
		pending, err := in.front.Start(asked)
		if err != nil {
			return err
		}
		t.underWay[s.Name] = append(t.underWay[s.Name], pending)
	}
	in.pump()
	return nil
}

// Finish plays requests to their ends; see scenario.TrafficInstance.
func (in *instance) Finish(ctx context.Context, names []string) (scenario.Outcome, error) {
	out := scenario.Outcome{Responses: map[string][]scenario.Response{}}
	for _, name := range names {
		for _, pending := range in.traffic.underWay[name] {
			response, exchange, err := pending.Wait(ctx)
			if err != nil {
				return out, err
			}
			in.last = exchange
			if seen := seenBackend(exchange); seen != nil {
				out.Backend = append(out.Backend, *seen)
			}
			if in.traffic.gone[name] {
				continue
			}
			if err := in.whole(response, exchange); err != nil {
				return out, err
			}
			out.Responses[name] = append(out.Responses[name], seenResponse(response))
		}
		delete(in.traffic.underWay, name)
	}
	in.pump()
	out.Calls, out.Log = in.takeCalls(), in.newLog()
	return out, nil
}

// pump lets what is under way do what needs no time.
func (in *instance) pump() {
	for _, list := range in.traffic.underWay {
		for _, pending := range list {
			pending.Done()
		}
	}
}

// newLog is what all plugins logged since the last time.
func (in *instance) newLog() (lines []scenario.LogLine) {
	for _, h := range in.plugins {
		log := h.Log()
		lines = append(lines, logLines(log[min(in.traffic.mark[h], len(log)):])...)
		in.traffic.mark[h] = len(log)
	}
	return lines
}

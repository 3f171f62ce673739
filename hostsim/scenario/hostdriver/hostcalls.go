package hostdriver

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// hostcalls answers hostcalls as the scenario says, and otherwise lets them be made.
type hostcalls struct {
	mu    sync.Mutex
	rules []scenario.Hostcall // the latest first; Times is how often each still answers
}

// newHostcalls is nil when no hostcall is ever answered otherwise, so that other files do not pay for it.
func newHostcalls(s scenario.Setup) (*hostcalls, error) {
	if !s.AnswersHostcalls() {
		return nil, nil
	}
	c := &hostcalls{}
	for _, h := range s.Hostcalls {
		if err := c.set(h); err != nil {
			return nil, err
		}
	}
	return c, nil
}

var statuses = func() map[string]abi.Status {
	byName := map[string]abi.Status{}
	for s := abi.StatusOK; s <= abi.StatusUnimplemented; s++ {
		byName[s.String()] = s
	}
	return byName
}()

// set refuses what would do nothing.
func (c *hostcalls) set(h scenario.Hostcall) error {
	hands, known := wasmhost.HandsOver(h.Name)
	_, named := statuses[h.Fails]
	switch {
	case !known:
		return fmt.Errorf("there is no hostcall %s: see the list of the ABI", h.Name)
	case !h.Never && h.Fails == "" && !hands:
		return fmt.Errorf("hostcall %s hands over no bytes: write fails: STATUS", h.Name)
	case h.Fails != "" && !named:
		return fmt.Errorf("hostcall %s: there is no status %q", h.Name, h.Fails)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if h.Never {
		c.rules = slices.DeleteFunc(c.rules, func(r scenario.Hostcall) bool { return r.Name == h.Name })
		return nil
	}
	c.rules = slices.Insert(c.rules, 0, h)
	return nil
}

func (c *hostcalls) answer(call hostsim.TraceEntry) (abi.Status, []byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.rules {
		r := &c.rules[i]
		if r.Name != call.Name || !r.Matches(call.Args) {
			continue
		}
		status, data := statuses[r.Fails], r.Gives
		if r.Times > 0 {
			if r.Times--; r.Times == 0 {
				c.rules = slices.Delete(c.rules, i, i+1)
			}
		}
		return status, data, true
	}
	return abi.StatusOK, nil, false
}

// SetHostcall and TakeTrace: see scenario.HostcallInstance.
func (in *instance) SetHostcall(h scenario.Hostcall) error { return in.hostcalls.set(h) }

// TakeTrace leaves out what belongs to a compiler's runtime and not to the proxy.
func (in *instance) TakeTrace() (out scenario.Trace) {
	trace := in.host.Trace()
	for _, e := range trace[in.traced:] {
		switch {
		case !e.Callback && (strings.HasPrefix(e.Name, "proxy_") || strings.HasPrefix(e.Name, "envoy_")):
			out.Hostcalls = append(out.Hostcalls, e.Name)
		case e.Callback && !e.Trapped && returnsAction[e.Name]:
			out.Actions = append(out.Actions, e.Name+" "+action(e.Result))
		}
	}
	in.traced = len(trace)
	return out
}

// returnsAction has the callbacks whose answer decides whether the host goes on.
var returnsAction = map[string]bool{
	"proxy_on_request_headers": true, "proxy_on_request_body": true, "proxy_on_request_trailers": true,
	"proxy_on_response_headers": true, "proxy_on_response_body": true, "proxy_on_response_trailers": true,
	"proxy_on_new_connection": true, "proxy_on_downstream_data": true, "proxy_on_upstream_data": true,
}

// action is the host's reading: whatever is not 0 stops.
func action(result uint32) string {
	if result == 0 {
		return scenario.ActionContinue
	}
	return scenario.ActionPause
}

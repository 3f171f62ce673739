package profile

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/site"
	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// Calls are the calls of a request: from the guest to the host, and from the
// host to the guest, in order.
type Calls struct {
	Hostcalls []Count
	Callbacks []Count
}

// settled is the request after which all are alike.
const settled = 3

// Count is how often a call was made.
type Count struct {
	Name  string
	Times int
}

// Hostcalls plays a request on the simulated host until it is like all that
// would follow: its token is in the cache, and its metrics are defined.
func Hostcalls(ctx context.Context, module *hostsim.Module, c *site.Caller, r Request) (calls Calls, err error) {
	config, err := site.Configuration(r.Listener)
	if err != nil {
		return Calls{}, err
	}
	h, err := module.New(ctx,
		hostsim.WithConfig([]byte(config)), hostsim.WithTrace(),
		hostsim.WithCluster("okta", upstream.Respond(200, string(c.Claims), "content-type", "application/json")),
		hostsim.WithConnectionManager(hostsim.ConnectionManager{UseRemoteAddress: true}))
	if err != nil {
		return Calls{}, fmt.Errorf("%s on the simulated host: %w", r.Name, err)
	}
	defer func() { err = errors.Join(err, h.Process().Close(ctx)) }()
	request := hostsim.Request{Path: r.Request.Path, Authority: site.Host}
	for _, header := range r.Request.Headers {
		if name := strings.ToLower(header.Name); name != "host" {
			request.Headers = append(request.Headers, abi.Header{Name: name, Value: header.Value})
		}
	}
	var response hostsim.Response
	var x hostsim.Exchange
	for range settled {
		if response, x, err = h.Do(ctx, request); err != nil {
			return Calls{}, fmt.Errorf("%s on the simulated host: %w", r.Name, err)
		}
	}
	if response.Status != r.Status {
		return Calls{}, fmt.Errorf("%s on the simulated host: the answer is %d, want %d", r.Name, response.Status, r.Status)
	}
	for _, e := range x.Trace {
		if e.Callback {
			calls.Callbacks = add(calls.Callbacks, e.Name)
		} else {
			calls.Hostcalls = add(calls.Hostcalls, e.Name)
		}
	}
	return calls, nil
}

func add(counts []Count, name string) []Count {
	for i := range counts {
		if counts[i].Name == name {
			counts[i].Times++
			return counts
		}
	}
	return append(counts, Count{name, 1})
}

package config

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/apikey"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/concurrency"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/cors"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/introspection"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/ipaccess"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/quota"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/raisefault"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/setheaders"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/spikearrest"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/tokenrules"
)

// step is a kind of step, as a sequence has it.
type step struct {
	_        [0]func()        // not comparable: an unused == costs the guest code
	name     string           // as pipeline.Step.Name gives it
	kind     policy.Kind      // decodes it, and describes itself
	provides policy.Knowledge // what later steps learn about a request from it
}

// steps are all kinds, in the order in which messages list them. A step is
// added here and in its own folder.
var steps = [...]step{
	{name: "cors", kind: &cors.Policy{}},
	{name: "ip_access", kind: &ipaccess.Policy{}},
	{name: "spike_arrest", kind: &spikearrest.Policy{}},
	{name: "concurrent_calls", kind: &concurrency.Policy{}},
	{name: "quota", kind: &quota.Policy{}},
	{name: "verify_api_key", kind: &apikey.Verify{}, provides: policy.Caller},
	{name: "remove_api_key", kind: &apikey.Remove{}},
	{name: "introspect_token", kind: &introspection.Policy{}, provides: policy.Token},
	{name: "verify_jwt", kind: &introspection.JWT{}, provides: policy.Token},
	{name: "require_token", kind: &tokenrules.Policy{}},
	{name: "set_headers", kind: &setheaders.Policy{}},
	{name: "raise_fault", kind: &raisefault.Policy{}},
}

// stepNames are the names of all steps.
func stepNames() []string {
	names := make([]string, len(steps))
	for i := range steps {
		names[i] = steps[i].name
	}
	return names
}

// stepCalled is the step of that name, nil if there is none.
func stepCalled(name string) *step {
	for i := range steps {
		if steps[i].name == name {
			return &steps[i]
		}
	}
	return nil
}

// providers lists the names of the steps that provide something.
func providers(k policy.Knowledge) string {
	list := ""
	for i := range steps {
		if steps[i].provides&k != 0 {
			if list != "" {
				list += " or "
			}
			list += steps[i].name
		}
	}
	return list
}

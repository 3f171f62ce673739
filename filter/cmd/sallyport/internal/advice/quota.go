package advice

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
)

// authenticates are the steps that refuse callers who are not who they say they
// are.
var authenticates = []string{"verify_api_key", "introspect_token", "verify_jwt", "require_token"}

// quotas looks at the quotas of a sequence, in their order among the other steps.
func (a *adviser) quotas(path string, sequence *yaml.Node) {
	counted := map[string]string{}
	items := document.Items(sequence)
	for i, item := range items {
		name, options := step(item)
		if name != "quota" || !enabled(options) {
			continue
		}
		at := at(path, i) + ".quota"
		for _, later := range items[i+1:] {
			if next, of := step(later); enabled(of) && slices.Contains(authenticates, next) {
				a.say(at, "comes before %s, so requests that it refuses are counted too, and a stranger can use up someone else's quota: put quota after it", next)
				break
			}
		}
		a.quota(at, options)
		key := document.Text(options, "name") + " " + document.Text(options, "interval") + " " + document.Text(options, "per") + " " + document.Text(options, "mode")
		if first, twice := counted[key]; twice {
			a.say(at, "counts together with %s, so each request counts twice: give one of them a name", first)
		} else {
			counted[key] = at
		}
	}
}

func (a *adviser) quota(at string, options *yaml.Node) {
	if document.Text(options, "limit") == "" {
		var without []string
		for _, p := range a.allProducts {
			if document.Member(p, "quota") == nil {
				without = append(without, document.Text(p, "name"))
			}
		}
		if len(without) > 0 {
			a.say(at, "has no limit, and neither does the product %s: its calls are refused with quota.unavailable", without[0])
		}
	}
	if document.Member(options, "engine") != nil && document.Text(options, "on_engine_failure") == "allow" {
		a.say(at, "lets requests pass while its engine cannot be asked, up to the limit for each Envoy (on_engine_failure: allow)")
	}
}

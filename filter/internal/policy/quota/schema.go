package quota

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/breaker"
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
)

// Schema implements policy.Described.
func (*Policy) Schema() *decode.Schema {
	return policy.OptionsSchema(&optionMembers, "Allows so many requests in a minute, hour, day, week or month; more are refused with 429.", decode.Shapes{
		"per":           decode.WordSchema("Whose requests are counted together.", perWords[:]...),
		"name":          decode.PatternSchema("Quotas of the same name count together.", namePattern).WithDefault(defaultName),
		"limit":         decode.IntegerSchema("Requests in an interval, for products without a quota of their own.", 1, MaxLimit),
		"interval":      intervalSchema(),
		"window":        decode.WordSchema("Whether an interval is the calendar's, of UTC, or begins with the first request; rolling is for mode local.", windowWords...).WithDefault(windowWords[0]),
		"weight":        decode.IntegerSchema("What a request counts as.", 1, MaxWeight).WithDefault(1),
		"mode":          decode.WordSchema("Who counts: each Envoy for itself; the engine, before each request; each Envoy a share, and the engine the total.", modeWords[:]...).WithDefault(modeWords[0]),
		"engine":        engineSchema(),
		"batch":         decode.IntegerSchema("In mode reconciled, how many requests are reported at once. Each Envoy may admit two batches that the engine has not counted.", 1, MaxBatch).WithDefault(defaultBatch),
		"sync_interval": decode.DurationSchema("In mode reconciled, how long fewer requests than a batch wait to be reported.", minSync, maxSync).WithDefault(defaultSync),
		"on_engine_failure": {Description: "What happens to requests that the engine cannot be asked about: none of them goes on, or all that this Envoy knows to be within the limit, or so many of each party.", Default: "deny", AnyOf: []*decode.Schema{
			decode.WordSchema("", failureWords...),
			decode.ObjectSchema(&allowMembers, "", decode.Shapes{"allow": decode.IntegerSchema("Requests of each party that the engine does not know of.", 1, MaxLimit)}),
		}},
	})
}

const namePattern = "^[0-9A-Za-z.-]{1,64}$"

func engineSchema() *decode.Schema {
	return decode.ObjectSchema(&engineMembers, "The service that counts: envoyproxy/ratelimit, or another of envoy.service.ratelimit.v3.", decode.Shapes{
		"cluster":       decode.VisibleSchema("The proxy's cluster for it, with HTTP/2.").WithExamples("ratelimit", "outbound|8081||ratelimit.sallyport-system.svc.cluster.local"),
		"domain":        decode.PatternSchema("As in the service's own configuration.", namePattern).WithDefault(defaultDomain),
		"timeout":       decode.DurationSchema("How long a call may take.", minTimeout, maxTimeout).WithDefault(defaultTimeout),
		"max_in_flight": decode.IntegerSchema("Calls in flight, of all workers together.", 1, maxInFlight).WithDefault(defaultInFlight),
		"breaker":       breaker.Schema(),
	})
}

func intervalSchema() *decode.Schema {
	return decode.WordSchema("", intervalWords[Minute:]...)
}

// OwnSchema describes a product's quota.
func OwnSchema() *decode.Schema {
	return decode.ObjectSchema(&ownMembers, "The limit, in a quota step, of each party that calls through this product.", decode.Shapes{
		"limit":    decode.IntegerSchema("Requests in an interval.", 1, MaxLimit),
		"interval": intervalSchema(),
	})
}

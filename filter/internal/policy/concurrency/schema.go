package concurrency

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
)

// Schema implements policy.Described.
func (*Policy) Schema() *decode.Schema {
	return policy.OptionsSchema(&optionMembers, "Limits how many requests are in progress at once, over all workers of a proxy; more are refused with 429.", decode.Shapes{
		"limit": decode.IntegerSchema("How many may be in progress at once.", 1, MaxCalls),
		"per":   decode.WordSchema("Whose requests are counted together.", perWords...).WithDefault(perWords[0]),
	})
}

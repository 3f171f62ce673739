package spikearrest

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
)

// Schema implements policy.Described.
func (*Policy) Schema() *decode.Schema {
	return policy.OptionsSchema(&optionMembers, "Smooths bursts: over the rate, requests are refused with 429.", decode.Shapes{
		"rate":   decode.PatternSchema("Requests in a second (ps) or a minute (pm).", "^[1-9][0-9]*(ps|pm)$").WithExamples("200ps", "30pm"),
		"burst":  decode.IntegerSchema("So many may come at once; by default a tenth of a second's worth, 1 at least.", 1, MaxBurst),
		"per":    decode.PatternSchema("Who has a limit of their own; without it all share one.", "^(client_ip|app|header:[0-9A-Za-z!#$%&'*+.^_`|~-]+)?$").WithExamples("client_ip", "app", "header:x-tenant"),
		"weight": decode.IntegerSchema("What a request costs.", 1, MaxWeight).WithDefault(1),
	})
}

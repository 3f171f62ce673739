package spikearrest

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
)

// Schema implements policy.Described.
func (*Policy) Schema() *decode.Schema {
	s := policy.OptionsSchema(&optionMembers, "Smooths bursts: over the rate, requests are refused with 429.", decode.Shapes{
		"rate":  rateSchema(),
		"burst": burstSchema(),
		"limits": decode.ListSchema("Several rates in place of one. All must have room.",
			decode.ObjectSchema(&limitMembers, "", decode.Shapes{"rate": rateSchema(), "burst": burstSchema()}), 1, MaxLimits),
		"per": decode.PatternSchema("What has its own limit; if left out, all requests of the API share one.",
			"^(api|client_ip|app|product|token_subject|header:[0-9A-Za-z!#$%&'*+.^_`|~-]+)?$").
			WithExamples("api", "client_ip", "app", "product", "token_subject", "header:x-tenant"),
		"weight": weightSchema(),
	})
	s.AnyOf = []*decode.Schema{{Required: []string{"rate"}}, {Required: []string{"limits"}}}
	return s
}

func rateSchema() *decode.Schema {
	return decode.PatternSchema("Requests per second (ps) or per minute (pm).", "^[1-9][0-9]*(ps|pm)$").WithExamples("200ps", "30pm")
}

func burstSchema() *decode.Schema {
	return decode.IntegerSchema("How many may come at once; by default a tenth of the rate's number, at least 1.", 1, MaxBurst)
}

func weightSchema() *decode.Schema {
	byHeader := decode.ObjectSchema(&weightMembers, "", decode.Shapes{
		"header": decode.HeaderSchema("The header with the request's own weight. A request without it costs 1."),
		"max":    decode.IntegerSchema("The largest weight that the header may give; anything but a number from 1 to this costs this much.", 1, MaxWeight),
	})
	return &decode.Schema{
		Description: "What a request costs.", Default: 1,
		AnyOf: []*decode.Schema{decode.IntegerSchema("", 1, MaxWeight), byHeader},
	}
}

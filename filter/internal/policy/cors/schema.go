package cors

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
)

// Schema implements policy.Described.
func (*Policy) Schema() *decode.Schema {
	origin := decode.PatternSchema("", `^(\*|[A-Za-z][0-9A-Za-z+.-]*://[^/]+)$`).WithExamples("https://app.example.com", "https://*.example.com")
	origin.MaxLength = MaxOriginBytes
	method := decode.PatternSchema("", `^(\*|[A-Z_-]+)$`).WithExamples("GET")
	method.MaxLength = decode.MaxMethodBytes
	header := func() *decode.Schema { return decode.HeaderFieldSchema("").WithExamples("authorization") }
	return policy.OptionsSchema(&optionMembers, "Answers preflights from pages of other origins, and lets those read refusals. Responses from the backend get their headers from the proxy's cors filter or the backend.", decode.Shapes{
		"allow_origins":     decode.ListSchema(`Who may call: origins, patterns such as "https://*.example.com" for every name below one, or "*" alone for everybody.`, origin, 1, maxOrigins),
		"allow_methods":     decode.ListSchema("Which methods they may use, besides GET, HEAD and POST.", method, 0, maxMethods),
		"allow_headers":     decode.ListSchema("Which headers they may send, besides those that every page may.", header(), 0, maxHeaders),
		"expose_headers":    decode.ListSchema("Headers of a refusal that a page may read, in addition to ratelimit, ratelimit-policy, retry-after, www-authenticate and x-sallyport-reason.", header(), 0, maxHeaders),
		"max_age":           decode.DurationSchema("How long a browser may remember the answer; if left out, the browser decides.", 0, maxMaxAge),
		"allow_credentials": decode.BooleanSchema("Whether cookies and client certificates may be sent.").WithDefault(false),
	})
}

package config

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/condition"
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/identity"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/quota"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/raisefault"
	"github.com/sallyport-gateway/sallyport/filter/internal/usage"
)

// stepsSchema is a sequence by reference, in an allOf: editors ignore siblings
// of $ref, and would not show the description.
func stepsSchema(about string) *decode.Schema {
	return &decode.Schema{Description: about, AllOf: []*decode.Schema{{Ref: "#/definitions/sequence"}}}
}

// ConfigSchema describes the whole configuration.
func ConfigSchema() *decode.Schema {
	s := decode.ObjectSchema(&rootMembers, "The configuration of a Sallyport gateway: the APIs it serves, who may call them, and the steps that every call must pass.", decode.Shapes{
		"version":          {Description: "The version of this format.", Const: formatVersion},
		"fault_format":     decode.WordSchema("The format of refusals: Apigee's fault JSON, or RFC 9457.", "apigee", "problem").WithDefault("apigee"),
		"identity_headers": identity.Schema(),
		"client_ip": decode.ObjectSchema(&clientIPMembers, "Where to find the client's address, and which addresses are one client.", decode.Shapes{
			"trusted_hops": decode.IntegerSchema("0: the proxy's own view. N: the N-th element from the right of X-Forwarded-For, to which N trusted proxies appended.", 0, maxTrustedHops).WithDefault(0),
			"ipv6_prefix":  decode.IntegerSchema("How many bits of an IPv6 address tell clients apart, for per: client_ip.", minIPv6Prefix, maxIPv6Prefix).WithDefault(defaultIPv6Prefix),
		}),
		"grpc": decode.ObjectSchema(&grpcMembers, "What gRPC clients are told about a refusal, besides its text.", decode.Shapes{
			"rate_limited": decode.WordSchema("The status for a request over a limit. Clients may retry at once what is unavailable.", grpcRateLimited...).WithDefault(grpcRateLimited[0]),
		}),
		"rate_limit_headers": decode.ObjectSchema(&rateLimitMembers, "What clients are told about limits.", decode.Shapes{
			"retry_after":      decode.BooleanSchema("Retry-After in refusals over a limit.").WithDefault(true),
			"ratelimit":        decode.BooleanSchema("RateLimit in refusals over a limit.").WithDefault(true),
			"ratelimit_policy": decode.BooleanSchema("RateLimit-Policy in refusals over a limit.").WithDefault(true),
			"admitted":         decode.BooleanSchema("Leave RateLimit and RateLimit-Policy of admitted requests in the proxy's filter state, for it to put into responses: a hostcall for each.").WithDefault(false),
		}),
		"usage": decode.ObjectSchema(&usageMembers, "How calls are recorded.", decode.Shapes{
			"max_series": decode.IntegerSchema("How many metrics may have names from the catalog in them; the rest is counted as other. 0 switches them off.", 0, usage.MaxSeries).WithDefault(DefaultMaxSeries),
			"attributes": uniqueWords("What the proxy's access log can show about each call; each costs one more hostcall.", usage.AttributeNames()),
		}),
		"apis":     decode.ListSchema("The APIs. A request that matches none of them is refused.", apiSchema(), 1, decode.Unbounded),
		"products": decode.ListSchema("What may be called together; apps are granted products.", productSchema(), 0, decode.Unbounded),
		"apps":     decode.ListSchema("Who may call, and with which keys.", appSchema(), 0, decode.Unbounded),
		"faults":   raisefault.FaultsSchema("How refusals read, in place of fault_format, for every API and for requests that match none."),
		"sequence": stepsSchema("The steps of every API that has no sequence of its own, in order. Each must let the request pass before the next one runs."),
	})
	s.Dialect = "http://json-schema.org/draft-07/schema#"
	s.Title = "Sallyport configuration"
	s.Definitions = map[string]*decode.Schema{"sequence": sequenceSchema(), condition.Definition: condition.Schema()}
	return s
}

func uniqueWords(about string, words []string) *decode.Schema {
	s := decode.ListSchema(about, decode.WordSchema("", words...), 0, len(words))
	s.Unique = true
	return s
}

func apiSchema() *decode.Schema {
	return decode.ObjectSchema(&apiMembers, "", decode.Shapes{
		"name":      decode.TextSchema("The API's name, in metrics, logs and products.").WithExamples("customers"),
		"version":   decode.TextSchema("Its version; each has an entry of its own.").WithExamples("v1"),
		"base_path": decode.PatternSchema("Where it begins: of two that match, the longer one wins.", "^/").WithExamples("/customers/v1"),
		"hosts":     decode.ListSchema("Host names without a port; *.example.com matches every name below example.com. Leave it out for any host.", decode.TextSchema("").WithExamples("api.example.com"), 1, decode.Unbounded),
		"sequence":  stepsSchema("The steps of this API alone, instead of the default ones. [] leaves it open."),
		"faults":    raisefault.FaultsSchema("How refusals of this API read; for other reasons the common faults apply."),
	})
}

func productSchema() *decode.Schema {
	operation := decode.ObjectSchema(&operationMembers, "", decode.Shapes{
		"path":    decode.PatternSchema("Below the API's base path: /* is one level, /** everything below, / everything.", "^/").WithExamples("/orders/**"),
		"methods": decode.ListSchema("Leave it out for all.", decode.TextSchema("").WithExamples("GET"), 1, decode.Unbounded),
	})
	api := decode.ObjectSchema(&productAPIMembers, "", decode.Shapes{
		"name":       decode.TextSchema("The API's name."),
		"version":    {Type: "string", Description: "Leave it out for any version.", MinLength: 1},
		"operations": decode.ListSchema("Leave it out for all.", operation, 1, decode.Unbounded),
	})
	return decode.ObjectSchema(&productMembers, "", decode.Shapes{
		"name":       decode.TextSchema("The product's name.").WithExamples("portal"),
		"apis":       decode.ListSchema("What it grants; leave it out for all APIs.", api, 1, decode.Unbounded),
		"scopes":     decode.ListSchema("The token must have at least one of these.", decode.TextSchema("").WithExamples("customers.read"), 0, decode.Unbounded),
		"attributes": decode.TextsSchema("Your own words about it, for set_headers.", maxAttributes, maxAttributeBytes),
		"quota":      quota.OwnSchema(),
	})
}

var statusWords = []string{"approved", "pending", "revoked"}

func appSchema() *decode.Schema {
	key := decode.ObjectSchema(&keyMembers, "Write keys with 'sallyport keys mint': it shows the key once, and keeps only its hash.", decode.Shapes{
		"id":      decode.TextSchema("Its name in logs and metrics.").WithExamples("k-2026-11"),
		"sha256":  decode.PatternSchema("SHA-256 of the key, in hex.", "^[0-9a-fA-F]{64}$"),
		"status":  decode.WordSchema("", statusWords...).WithDefault("approved"),
		"expires": decode.TextSchema("RFC 3339, or a date, which means 00:00 UTC; from then on the key is refused.").WithExamples("2027-05-01T00:00:00Z"),
	})
	return decode.ObjectSchema(&appMembers, "", decode.Shapes{
		"name":          decode.TextSchema("The app's name.").WithExamples("global-customer-portal"),
		"developer":     decode.TextSchema("Who is responsible for it.").WithExamples("portal-team@example.com"),
		"products":      decode.ListSchema("The products granted, in the order in which they are tried.", decode.TextSchema(""), 0, decode.Unbounded),
		"keys":          decode.ListSchema("Its keys; any of them works.", key, 0, decode.Unbounded),
		"status":        decode.WordSchema("", statusWords...).WithDefault("approved"),
		"token_clients": decode.ListSchema("OAuth clients whose tokens may come with this app's keys; leave it out for any.", decode.TextSchema(""), 1, decode.Unbounded),
		"allowed_ips":   decode.PrefixesSchema("Addresses it may call from; leave it out for any.", 1),
		"attributes":    decode.TextsSchema("Your own words about it, for set_headers.", maxAttributes, maxAttributeBytes),
	})
}

// sequenceSchema describes a sequence, with each kind of step as it describes
// itself.
func sequenceSchema() *decode.Schema {
	of := decode.Shapes{}
	for _, s := range steps {
		of[s.name] = s.kind.(policy.Described).Schema()
	}
	step := decode.ObjectSchema(&decode.Members{Names: stepNames()}, "One step, by its name, with its options below it.", of).ExactlyOne()
	return decode.ListSchema("", step, 0, maxSteps)
}

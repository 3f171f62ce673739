package config

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/identity"
	"github.com/sallyport-gateway/sallyport/filter/internal/usage"
)

// stepsSchema is a sequence by reference: an editor shows the description of
// what is beside it, as siblings of $ref count for nothing.
func stepsSchema(about string) *Schema {
	return &Schema{Description: about, AllOf: []*Schema{{Ref: "#/definitions/sequence"}}}
}

// ConfigSchema describes the whole configuration.
func ConfigSchema() *Schema {
	s := objectSchema(&rootMembers, "What a Sallyport gateway knows: the APIs it serves, who may call them, and which steps every call must pass.", shapes{
		"version":          {Description: "The version of this format.", Const: formatVersion},
		"fault_format":     wordSchema("How a refusal is told: Apigee's fault JSON, or RFC 9457.", "apigee", "problem").withDefault("apigee"),
		"identity_headers": identitySchema(),
		"client_ip": objectSchema(&clientIPMembers, "Where the client's address stands, and which addresses are one client.", shapes{
			"trusted_hops": integerSchema("0: as the proxy says. N: the N-th address from the right of X-Forwarded-For, which N trusted proxies appended to.", 0, maxTrustedHops).withDefault(0),
			"ipv6_prefix":  integerSchema("How many bits of an IPv6 address tell clients apart, for per: client_ip.", minIPv6Prefix, maxIPv6Prefix).withDefault(defaultIPv6Prefix),
		}),
		"grpc": objectSchema(&grpcMembers, "How a refusal is told to gRPC clients, besides its text.", shapes{
			"rate_limited": wordSchema("The status over a limit. Clients may send what is unavailable again at once.", grpcRateLimited...).withDefault(grpcRateLimited[0]),
		}),
		"rate_limit_headers": objectSchema(&rateLimitMembers, "What clients are told of limits.", shapes{
			"retry_after":      booleanSchema("Retry-After in refusals over a limit.").withDefault(true),
			"ratelimit":        booleanSchema("RateLimit in refusals over a limit.").withDefault(true),
			"ratelimit_policy": booleanSchema("RateLimit-Policy in refusals over a limit.").withDefault(true),
			"admitted":         booleanSchema("Leave RateLimit and RateLimit-Policy of admitted requests in the proxy's filter state too, for it to put into responses: a hostcall for each.").withDefault(false),
		}),
		"usage": objectSchema(&usageMembers, "How calls are recorded.", shapes{
			"max_series": integerSchema("Metrics with names of the catalog in them, at most; the rest is counted as other. 0 switches them off.", 0, usage.MaxSeries).withDefault(DefaultMaxSeries),
			"attributes": uniqueWords("What the proxy's access log is told of each call; each is a hostcall more.", usage.AttributeNames()),
		}),
		"apis":     listSchema("The APIs. A request that meets none of them is refused.", apiSchema(), 1, unbounded),
		"products": listSchema("What may be called together; apps are granted products.", productSchema(), 0, unbounded),
		"apps":     listSchema("Who calls, and with which keys.", appSchema(), 0, unbounded),
		"sequence": stepsSchema("The steps of every API that has no sequence of its own, in their order. Each must let the request pass before the next runs."),
	})
	s.Dialect = "http://json-schema.org/draft-07/schema#"
	s.Title = "Sallyport configuration"
	s.Definitions = map[string]*Schema{"sequence": sequenceSchema()}
	return s
}

func uniqueWords(about string, words []string) *Schema {
	s := listSchema(about, wordSchema("", words...), 0, len(words))
	s.Unique = true
	return s
}

const (
	headerPattern = "^[0-9A-Za-z!#$%&'*+.^_`|~-]+$"
	queryPattern  = `^[0-9A-Za-z._~-]+$`
)

func headerSchema(about string) *Schema {
	s := patternSchema(about, headerPattern)
	s.MaxLength = maxHeaderName
	return s
}

func identitySchema() *Schema {
	defaults := identity.DefaultHeaders()
	of := shapes{}
	for i, name := range identityMembers.names {
		s := patternSchema("The header that tells the backend the "+name+`; "" sends none.`, "^$|"+headerPattern)
		s.MaxLength = maxHeaderName
		if header := *headerOf(&defaults, i); header != "" {
			s.Default = header
		}
		of[name] = s
	}
	return objectSchema(&identityMembers, "The headers that tell the backend who calls. Those of a client are removed.", of)
}

func apiSchema() *Schema {
	return objectSchema(&apiMembers, "", shapes{
		"name":      textSchema("The API's name, in metrics, logs and products.").withExamples("customers"),
		"version":   textSchema("Its version; each has an entry of its own.").withExamples("v1"),
		"base_path": patternSchema("Where it begins: of two that fit, the longer one wins.", "^/").withExamples("/customers/v1"),
		"hosts":     listSchema("The hosts it is served under; leave it out for any.", textSchema("").withExamples("api.example.com"), 1, unbounded),
		"sequence":  stepsSchema("The steps of this API alone, in place of the common ones. [] makes it open to everybody."),
	})
}

func productSchema() *Schema {
	operation := objectSchema(&operationMembers, "", shapes{
		"path":    patternSchema("Below the API's base path; * is one level, ** at the end any number.", "^/").withExamples("/orders/**"),
		"methods": listSchema("Leave it out for all.", textSchema("").withExamples("GET"), 1, unbounded),
	})
	api := objectSchema(&productAPIMembers, "", shapes{
		"name":       textSchema("The API's name."),
		"version":    {Type: "string", Description: "Leave it out for any version.", MinLength: 1},
		"operations": listSchema("Leave it out for all.", operation, 1, unbounded),
	})
	return objectSchema(&productMembers, "", shapes{
		"name":   textSchema("The product's name.").withExamples("portal"),
		"apis":   listSchema("What it grants; leave it out for all APIs.", api, 1, unbounded),
		"scopes": listSchema("Scopes that the token must have, all of them.", textSchema("").withExamples("customers.read"), 0, unbounded),
	})
}

var statusWords = []string{"approved", "pending", "revoked"}

func appSchema() *Schema {
	key := objectSchema(&keyMembers, "Write keys with 'sallyport keys mint': it shows the key once, and keeps its hash alone.", shapes{
		"id":      textSchema("What logs and metrics call it.").withExamples("k-2026-11"),
		"sha256":  patternSchema("SHA-256 of the key, in hex.", "^[0-9a-fA-F]{64}$"),
		"status":  wordSchema("", statusWords...).withDefault("approved"),
		"expires": textSchema("RFC 3339; the key is refused from then on.").withExamples("2027-05-01T00:00:00Z"),
	})
	return objectSchema(&appMembers, "", shapes{
		"name":          textSchema("The app's name.").withExamples("global-customer-portal"),
		"developer":     textSchema("Who answers for it.").withExamples("portal-team@example.com"),
		"products":      listSchema("What it may call.", textSchema(""), 0, unbounded),
		"keys":          listSchema("Its keys; any of them will do.", key, 0, unbounded),
		"status":        wordSchema("", statusWords...).withDefault("approved"),
		"token_clients": listSchema("The authorization server's clients whose tokens may come with this app's keys; leave it out for any.", textSchema(""), 1, unbounded),
		"allowed_ips":   prefixesSchema("Addresses it may call from; leave it out for any.", 1),
	})
}

func prefixesSchema(about string, low int) *Schema {
	return listSchema(about, textSchema("").withExamples("192.0.2.0/24", "2001:db8::/32"), low, maxPrefixes)
}

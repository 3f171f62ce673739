package config

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/concurrency"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/spikearrest"
)

func sequenceSchema() *Schema {
	steps := shapes{
		ipAccess:        ipAccessSchema(),
		spikeArrest:     spikeArrestSchema(),
		concurrentCalls: concurrentCallsSchema(),
		verifyAPIKey:    objectSchema(&verifyMembers, "Refuses requests without a key that an app has, for a product that grants this call.", withCommon(shapes{"from": placesSchema("Where the key may stand.")})),
		removeAPIKey:    objectSchema(&removeMembers, "Takes the key out of the request: from all places of verify_api_key, and from these.", withCommon(shapes{"from": placesSchema("Further places.")})),
		introspectToken: introspectSchema(),
		requireToken:    requireTokenSchema(),
	}
	step := objectSchema(&members{names: stepNames}, "One step, by its name, with its options below it.", steps).exactlyOne()
	return listSchema("", step, 0, maxSteps)
}

// withCommon adds the members of every step.
func withCommon(of shapes) shapes {
	of["enabled"] = booleanSchema("false leaves the step out.").withDefault(true)
	of["dry_run"] = booleanSchema("Count what would be refused, and let it pass.").withDefault(false)
	of["on_error"] = wordSchema("What a technical fault of the step does to the request.", "deny", "continue").withDefault("deny")
	return of
}

func placesSchema(about string) *Schema {
	query := patternSchema("A parameter of the query.", queryPattern).withExamples("apikey")
	query.MaxLength = maxQueryName
	place := objectSchema(&placeMembers, "", shapes{
		"header": headerSchema("A header.").withExamples("x-api-key"),
		"query":  query,
	}).exactlyOne()
	return listSchema(about, place, 1, maxKeyPlaces)
}

func ipAccessSchema() *Schema {
	rule := objectSchema(&ipRuleMembers, "", shapes{
		"allow": prefixesSchema("Addresses that may come.", 1),
		"deny":  prefixesSchema("Addresses that may not.", 1),
	}).exactlyOne()
	return objectSchema(&ipAccessMembers, "Refuses clients by their address. The first rule that has it decides.", withCommon(shapes{
		"rules":   listSchema("", rule, 0, maxIPRules),
		"default": wordSchema("For addresses that no rule has.", "deny", "allow").withDefault("deny"),
	}))
}

func spikeArrestSchema() *Schema {
	rate := func() *Schema {
		return patternSchema("Requests in a second (ps) or a minute (pm).", "^[1-9][0-9]*(ps|pm)$").withExamples("200ps", "30pm")
	}
	burst := func() *Schema {
		return integerSchema("So many may come at once; by default a tenth of the rate's number, 1 at least.", 1, spikearrest.MaxBurst)
	}
	weight := &Schema{Description: "What a request costs.", Default: 1, AnyOf: []*Schema{
		integerSchema("", 1, spikearrest.MaxWeight),
		objectSchema(&weightMembers, "", shapes{
			"header": headerSchema("The header with the request's own weight. Without it a request costs 1."),
			"max":    integerSchema("The most that the header may say, and what anything but a number up to that costs.", 1, spikearrest.MaxWeight),
		}),
	}}
	s := objectSchema(&spikeArrestMembers, "Smooths bursts: over the rate, requests are refused with 429.", withCommon(shapes{
		"rate":   rate(),
		"limits": listSchema("Several rates in the place of one. All must have room.", objectSchema(&limitMembers, "", shapes{"rate": rate(), "burst": burst()}), 1, spikearrest.MaxLimits),
		"burst":  burst(),
		"per":    patternSchema("Who has a limit of their own; without it all requests of the API share one.", "^(api|client_ip|app|product|token_subject|header:[0-9A-Za-z!#$%&'*+.^_`|~-]+)?$").withExamples("api", "client_ip", "app", "product", "token_subject", "header:x-tenant"),
		"weight": weight,
	}))
	s.AnyOf = []*Schema{{Required: []string{"rate"}}, {Required: []string{"limits"}}}
	return s
}

func concurrentCallsSchema() *Schema {
	return objectSchema(&concurrentCallsMembers, "Bounds how many requests are at the backend at once, over all workers of a proxy; more are refused with 429.", withCommon(shapes{
		"limit": integerSchema("So many may be under way at once.", 1, concurrency.MaxCalls),
		"per":   wordSchema("Whose requests are counted together.", "api", "app").withDefault("api"),
	}))
}

func requireTokenSchema() *Schema {
	return objectSchema(&requireTokenMembers, "Refuses tokens that are not active or do not fit.", withCommon(shapes{
		"issuer":     visibleSchema("iss, byte for byte."),
		"audience":   listSchema("aud has one of them.", visibleSchema(""), 0, maxTokenRules),
		"client_ids": listSchema("client_id is one of them.", credentialSchema(""), 0, maxTokenRules),
		"scopes":     listSchema("scope has all of them, besides those of the app's product.", textSchema(""), 0, maxTokenRules),
		"clock_skew": skewSchema(),
		"token_type": wordSchema("Whether token_type must be there. Where it is, it must be that of an access token.", tokenTypeWords...).withDefault(tokenTypeWords[0]),
	}))
}

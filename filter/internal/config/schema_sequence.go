package config

import "github.com/sallyport-gateway/sallyport/filter/internal/policy/spikearrest"

func sequenceSchema() *Schema {
	steps := shapes{
		ipAccess:        ipAccessSchema(),
		spikeArrest:     spikeArrestSchema(),
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
	return objectSchema(&spikeArrestMembers, "Smooths bursts: over the rate, requests are refused with 429.", withCommon(shapes{
		"rate":   patternSchema("Requests in a second (ps) or a minute (pm).", "^[1-9][0-9]*(ps|pm)$").withExamples("200ps", "30pm"),
		"burst":  integerSchema("So many may come at once; by default a tenth of a second's worth, 1 at least.", 1, spikearrest.MaxBurst),
		"per":    patternSchema("Who has a limit of their own; without it all share one.", "^(client_ip|app|header:[0-9A-Za-z!#$%&'*+.^_`|~-]+)?$").withExamples("client_ip", "app", "header:x-tenant"),
		"weight": integerSchema("What a request costs.", 1, spikearrest.MaxWeight).withDefault(1),
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

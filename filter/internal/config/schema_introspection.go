package config

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/breaker"
	"github.com/sallyport-gateway/sallyport/filter/internal/jose"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/dpop"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/introspection/answers"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/tokenrules"
)

func introspectSchema() *Schema {
	return objectSchema(&introspectMembers, "Asks the authorization server about the token (RFC 7662).", withCommon(shapes{
		"cluster":       visibleSchema("The proxy's cluster for the authorization server.").withExamples("okta", "outbound|443||dev-123456.okta.com"),
		"authority":     authoritySchema("The server's host name."),
		"path":          pathSchema("Where introspection is.").withExamples("/oauth2/default/v1/introspect"),
		"client_auth":   wordSchema("How the gateway proves who it is.", clientAuthWords...).withDefault(clientAuthWords[0]),
		"client_id":     credentialSchema("The gateway's client at the server."),
		"client_secret": secretSchema("Its secret."),
		"private_key": objectSchema(&privateKeyMembers, "For private_key_jwt (RFC 7523).", shapes{
			"key":      secretSchema("RSA of 2,048 to 4,096 bits or P-256, in PEM or as a JWK."),
			"key_id":   visibleSchema("kid."),
			"audience": visibleSchema("aud; by default the URL of the endpoint."),
			"ttl":      durationSchema("How long an assertion lives.", minAssertionTTL, maxAssertionTTL).withDefault(shortDuration(defaultAssertionTTL)),
		}),
		"timeout":        timeoutSchema("How long a call may take."),
		"cache":          orOff("What is kept of answers. A token that is revoked can go on being accepted for max_ttl.", cacheSchema()),
		"precheck":       precheckSchema(),
		"dpop":           dpopSchema(),
		"retry":          booleanSchema("Send a call once more whose connection was refused or reset.").withDefault(true),
		"stale_if_error": orOff("How long an answer is used that is not fresh, when no new one can be had.", durationSchema("", minStale, maxStale)).withDefault("off"),
		"max_in_flight":  integerSchema("Calls in the air, of all workers together.", 1, maxInFlight).withDefault(defaultInFlight),
		"breaker":        orOff("When no call is made, because the server is in trouble.", breakerSchema()),
	}))
}

func cacheSchema() *Schema {
	return objectSchema(&cacheMembers, "", shapes{
		"max_ttl":         durationSchema("The longest that an answer is used.", minCacheTTL, maxCacheTTL).withDefault(shortDuration(defaultCacheTTL)),
		"entries":         integerSchema("In each VM.", 1, maxCacheEntries).withDefault(defaultCacheEntries),
		"shared_entries":  integerSchema("Of all workers together; 0 shares nothing.", 0, answers.MaxEntries).withDefault(defaultSharedEntries),
		"negative_ttl":    durationSchema("For tokens that are not active.", 0, maxNegativeTTL).withDefault(shortDuration(defaultNegativeTTL)),
		"ttl_without_exp": durationSchema("For active tokens without exp.", 0, maxTTLWithoutExp).withDefault("0s"),
		"refresh_ahead":   durationSchema("So long before its end an answer is asked for anew.", 0, maxRefreshAhead).withDefault("0s"),
	})
}

func precheckSchema() *Schema {
	return objectSchema(&precheckMembers, "What is seen of a JWT without a call.", shapes{
		"mode": wordSchema("Whether a token is checked here before it is introspected, or here alone.", modes...),
		"jwks": objectSchema(&jwksMembers, "The issuer's keys.", shapes{
			"path":      pathSchema("Where they are.").withExamples("/oauth2/default/v1/keys"),
			"cluster":   visibleSchema("By default the step's."),
			"authority": authoritySchema("By default the step's."),
			"timeout":   timeoutSchema("Of one fetch."),
			"refresh":   durationSchema("Keys of that age are fetched anew.", minJWKSRefresh, maxJWKSRefresh).withDefault(shortDuration(defaultJWKSRefresh)),
			"max_age":   durationSchema("How long keys are used that cannot be fetched.", minJWKSMaxAge, maxJWKSMaxAge).withDefault(shortDuration(defaultJWKSMaxAge)),
		}),
		"issuer":     visibleSchema("iss, byte for byte."),
		"audience":   listSchema("aud has one of them.", visibleSchema(""), 1, maxAudiences),
		"algorithms": algorithmsSchema(),
		"clock_skew": skewSchema(),
		"opaque":     wordSchema("What becomes of a token that is no JWT.", "introspect", "deny").withDefault("introspect"),
		"typ":        wordSchema("typ of the JWT's header: at+jwt (RFC 9068), or any that is not another kind of token's.", typWords...).withDefault(typWords[0]),
	})
}

func dpopSchema() *Schema {
	return objectSchema(&dpopMembers, "Takes tokens with the scheme DPoP (RFC 9449).", shapes{
		"required":       booleanSchema("Refuse tokens with the scheme Bearer.").withDefault(false),
		"algorithms":     algorithmsSchema(),
		"max_age":        durationSchema("How long ago a proof may have been made.", minProofAge, maxProofAge).withDefault(shortDuration(defaultProofAge)),
		"clock_skew":     durationSchema("How far in the future.", 0, maxProofSkew).withDefault(shortDuration(defaultProofSkew)),
		"replay_entries": integerSchema("Proofs that are remembered, at least; what was used stays used when this changes.", minReplayEntries, dpop.MaxEntries).withDefault(defaultReplayEntries),
	})
}

func breakerSchema() *Schema {
	return objectSchema(&breakerMembers, "", shapes{
		"failures":        integerSchema("In a row.", 1, maxBreakerCalls).withDefault(defaultBreaker.Failures),
		"failure_percent": integerSchema("Of the calls in a window.", 1, 100).withDefault(defaultBreaker.FailurePercent),
		"min_calls":       integerSchema("Below so many the percentage says nothing.", 1, maxBreakerCalls).withDefault(defaultBreaker.MinCalls),
		"window":          durationSchema("", minWindow, breaker.MaxWindow).withDefault(shortDuration(defaultBreaker.Window)),
		"open_for":        durationSchema("At first.", minBreakerTime, breaker.MaxOpenFor).withDefault(shortDuration(defaultBreaker.OpenFor)),
		"longest_open":    durationSchema("At last.", minBreakerTime, breaker.MaxOpenFor).withDefault(shortDuration(defaultBreaker.LongestOpen)),
	})
}

func secretSchema(about string) *Schema {
	inline := textSchema("The secret itself, which is then in every dump of the proxy's configuration.")
	return objectSchema(&secretMembers, about, shapes{
		"env":    patternSchema("A variable of the VM's environment.", "^[A-Za-z_][0-9A-Za-z_]*$").withExamples("OKTA_CLIENT_SECRET"),
		"inline": inline,
	}).exactlyOne()
}

func visibleSchema(about string) *Schema {
	s := patternSchema(about, "^[!-~]+$")
	s.MaxLength = maxVisible
	return s
}

func credentialSchema(about string) *Schema {
	s := patternSchema(about, "^[ -~]+$")
	s.MaxLength = maxVisible
	return s
}

func authoritySchema(about string) *Schema {
	s := patternSchema(about, `^[0-9A-Za-z._:\[\]-]+$`).withExamples("dev-123456.okta.com")
	s.MaxLength = maxVisible
	return s
}

func pathSchema(about string) *Schema {
	s := patternSchema(about, `^/[!"$->@-~]*$`)
	s.MaxLength = maxVisible
	return s
}

func timeoutSchema(about string) *Schema {
	return durationSchema(about, minTimeout, maxTimeout).withDefault(shortDuration(defaultTimeout))
}

func skewSchema() *Schema {
	return durationSchema("Allowed at exp and nbf.", 0, tokenrules.MaxSkew).withDefault("0s")
}

func algorithmsSchema() *Schema {
	return listSchema("Of signatures.", wordSchema("", jose.Algorithms...), 1, len(jose.Algorithms))
}

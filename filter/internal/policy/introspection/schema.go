package introspection

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/breaker"
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/dpop"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/introspection/answers"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/tokenrules"
)

// Schema implements policy.Described.
func (*Policy) Schema() *decode.Schema {
	return policy.OptionsSchema(&optionMembers, "Asks the authorization server about the token (RFC 7662).", decode.Shapes{
		"cluster":       decode.VisibleSchema("The proxy's cluster for the authorization server.").WithExamples("okta", "outbound|443||dev-123456.okta.com"),
		"authority":     decode.AuthoritySchema("The server's host name."),
		"path":          decode.PathSchema("The introspection endpoint.").WithExamples("/oauth2/default/v1/introspect"),
		"client_auth":   decode.WordSchema("How the gateway authenticates.", clientAuthWords...).WithDefault(clientAuthWords[0]),
		"client_id":     decode.PrintableSchema("The gateway's client at the server."),
		"client_secret": decode.SecretSchema("Its secret."),
		"private_key": decode.ObjectSchema(&privateKeyMembers, "For private_key_jwt (RFC 7523).", decode.Shapes{
			"key":      decode.SecretSchema("RSA of 2,048 to 4,096 bits or P-256, in PEM or as a JWK."),
			"key_id":   decode.VisibleSchema("kid."),
			"audience": decode.VisibleSchema("aud; by default the URL of the endpoint."),
			"ttl":      decode.DurationSchema("How long an assertion lives.", minAssertionTTL, maxAssertionTTL).WithDefault(defaultAssertionTTL),
		}),
		"timeout":        timeoutSchema("How long a call may take."),
		"cache":          decode.OrOff("How answers are kept. A revoked token may still be accepted for max_ttl.", cacheSchema()),
		"precheck":       precheckSchema(),
		"dpop":           dpop.Schema(),
		"retry":          decode.BooleanSchema("Send a call once more if its connection was refused or reset.").WithDefault(true),
		"stale_if_error": decode.OrOff("How long an answer that is no longer fresh is used when no new one is available.", decode.DurationSchema("", minStale, maxStale)).WithDefault("off"),
		"max_in_flight":  decode.IntegerSchema("Calls in flight, of all workers together.", 1, maxInFlight).WithDefault(defaultInFlight),
		"breaker":        breaker.Schema(),
	})
}

func cacheSchema() *decode.Schema {
	return decode.ObjectSchema(&cacheMembers, "", decode.Shapes{
		"max_ttl":         decode.DurationSchema("The longest that an answer is used.", minCacheTTL, maxCacheTTL).WithDefault(defaultCacheTTL),
		"entries":         decode.IntegerSchema("Answers kept in each VM.", 1, maxCacheEntries).WithDefault(defaultCacheEntries),
		"shared_entries":  decode.IntegerSchema("Answers kept for all workers together; 0 shares nothing.", 0, answers.MaxEntries).WithDefault(defaultSharedEntries),
		"negative_ttl":    decode.DurationSchema("How long a token is known to be inactive.", 0, maxNegativeTTL).WithDefault(defaultNegativeTTL),
		"ttl_without_exp": decode.DurationSchema("How long an answer about an active token without exp is used; 0s keeps none.", 0, maxTTLWithoutExp).WithDefault("0s"),
		"refresh_ahead":   decode.DurationSchema("How long before its end an answer is asked for again.", 0, maxRefreshAhead).WithDefault("0s"),
	})
}

func precheckSchema() *decode.Schema {
	of := checkSchemas("By default the step's.")
	of["mode"] = decode.WordSchema("Whether a token is checked here before it is introspected, or only here.", modes...)
	of["opaque"] = decode.WordSchema("What happens to a token that is not a JWT.", "introspect", "deny").WithDefault("introspect")
	return decode.ObjectSchema(&precheckMembers, "What is checked about a JWT without a call.", of)
}

// Schema implements policy.Described.
func (*JWT) Schema() *decode.Schema {
	of := checkSchemas("Required.")
	of["dpop"] = dpop.Schema()
	return policy.OptionsSchema(&jwtMembers, "Accepts a JWT by its signature and claims, and asks nobody: one that is revoked is accepted until it expires.", of)
}

// checkSchemas describe what decodeCheck reads. byDefault is what a cluster or
// an authority that is left out is.
func checkSchemas(byDefault string) decode.Shapes {
	return decode.Shapes{
		"jwks": decode.ObjectSchema(&jwksMembers, "The issuer's keys.", decode.Shapes{
			"path":      decode.PathSchema("Where the issuer publishes them.").WithExamples("/oauth2/default/v1/keys"),
			"cluster":   decode.VisibleSchema(byDefault),
			"authority": decode.AuthoritySchema(byDefault),
			"timeout":   timeoutSchema("How long one fetch may take."),
			"refresh":   decode.DurationSchema("The age at which keys are fetched again.", minJWKSRefresh, maxJWKSRefresh).WithDefault(defaultJWKSRefresh),
			"max_age":   decode.DurationSchema("How long keys are used when they cannot be fetched again.", minJWKSMaxAge, maxJWKSMaxAge).WithDefault(defaultJWKSMaxAge),
		}),
		"issuer":     decode.VisibleSchema("iss, byte for byte."),
		"audience":   decode.ListSchema("aud has one of them.", decode.VisibleSchema(""), 1, maxPrecheckAudiences),
		"algorithms": dpop.AlgorithmsSchema(),
		"clock_skew": tokenrules.SkewSchema(),
		"typ":        decode.WordSchema("typ of the JWT's header: at+jwt (RFC 9068), or any that is not another kind of token's.", typWords...).WithDefault(typWords[0]),
	}
}

func timeoutSchema(about string) *decode.Schema {
	return decode.DurationSchema(about, minTimeout, maxTimeout).WithDefault(DefaultTimeout)
}

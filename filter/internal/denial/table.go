package denial

// challenge is what a refusal says in WWW-Authenticate.
type challenge uint8

const (
	noChallenge     challenge = iota
	keyChallenge              // ApiKey realm: the operator's documents say how to present a key
	bearerChallenge           // Bearer realm, without an error: no credentials came (RFC 6750 section 3.1)
	bearerInvalidRequest
	bearerInvalidToken
	bearerInsufficientScope
	proofChallenge // DPoP with its own error (RFC 9449 section 12.2)
)

type row struct {
	word      string
	status    int
	code      string
	text      string
	challenge challenge
	technical bool
}

// The errorcodes without the prefix "sallyport." are Apigee's own, so that a
// client written for Apigee keeps working.
var table = [reasonCount]row{
	Internal: {word: "internal.error", status: 500, code: "sallyport.InternalError", text: "Internal error", technical: true},

	RequestMalformed: {word: "request.malformed", status: 400, code: "sallyport.MalformedRequest", text: "Malformed request"},
	PathAmbiguous:    {word: "request.path_ambiguous", status: 400, code: "sallyport.AmbiguousPath", text: "Ambiguous request path"},
	APIUnknown:       {word: "api.unknown", status: 404, code: "messaging.adaptors.http.flow.ApplicationNotFound", text: "Unable to identify an API for this host and path"},

	ConditionUnclear: {word: "request.condition_unclear", status: 400, code: "sallyport.AmbiguousRequest", text: "Ambiguous request"},

	CORSOriginRefused: {word: "cors.origin_refused", status: 403, code: "sallyport.CORSOriginRefused", text: "The origin is not allowed"},

	FaultRaised: {word: "raise_fault.raised", status: 403, code: "steps.raisefault.RaiseFault", text: "Raising fault"},

	IPAccessDenied:    {word: "ip_access.denied", status: 403, code: "accesscontrol.IPDeniedAccess", text: "Access denied for the client's address"},
	IPAccessNoAddress: {word: "ip_access.no_address", status: 403, code: "accesscontrol.IPDeniedAccess", text: "Access denied for the client's address"},

	SpikeArrestExceeded:        {word: "spike_arrest.exceeded", status: 429, code: "policies.ratelimit.SpikeArrestViolation", text: "Spike arrest violation"},
	SpikeArrestUnavailable:     {word: "spike_arrest.unavailable", status: 503, code: "sallyport.SpikeArrestUnavailable", text: "Rate limiting is unavailable", technical: true},
	ConcurrentCallsExceeded:    {word: "concurrent_calls.exceeded", status: 429, code: "policies.concurrentratelimit.ConcurrentRatelimtViolation", text: "Too many calls at once"},
	ConcurrentCallsUnavailable: {word: "concurrent_calls.unavailable", status: 503, code: "sallyport.ConcurrentCallsUnavailable", text: "Counting of calls is unavailable", technical: true},

	QuotaExceeded:    {word: "quota.exceeded", status: 429, code: "policies.ratelimit.QuotaViolation", text: "Rate limit quota violation. Quota limit exceeded."},
	QuotaUnavailable: {word: "quota.unavailable", status: 503, code: "sallyport.QuotaUnavailable", text: "Quota check is unavailable", technical: true},

	APIKeyMissing:     {word: "api_key.missing", status: 401, code: "steps.oauth.v2.FailedToResolveAPIKey", text: "Failed to resolve API Key", challenge: keyChallenge},
	APIKeyAmbiguous:   {word: "api_key.ambiguous", status: 401, code: "oauth.v2.InvalidApiKey", text: "Invalid ApiKey", challenge: keyChallenge},
	APIKeyUnknown:     {word: "api_key.unknown", status: 401, code: "oauth.v2.InvalidApiKey", text: "Invalid ApiKey", challenge: keyChallenge},
	APIKeyNotApproved: {word: "api_key.not_approved", status: 401, code: "oauth.v2.ApiKeyNotApproved", text: "ApiKey not approved", challenge: keyChallenge},
	APIKeyExpired:     {word: "api_key.expired", status: 401, code: "keymanagement.service.consumer_key_expired", text: "Key Expired", challenge: keyChallenge},
	AppNotApproved:    {word: "app.not_approved", status: 401, code: "keymanagement.service.invalid_client-app_not_approved", text: "App not Approved", challenge: keyChallenge},
	APIKeyNotGranted:  {word: "api_key.not_granted", status: 401, code: "oauth.v2.InvalidApiKeyForGivenResource", text: "Invalid ApiKey for given resource", challenge: keyChallenge},

	AppAddressNotAllowed: {word: "app.address_not_allowed", status: 403, code: "accesscontrol.IPDeniedAccess", text: "Access denied for the client's address"},

	TokenMissing:   {word: "token.missing", status: 401, code: "keymanagement.service.invalid_access_token", text: "Access token required", challenge: bearerChallenge},
	TokenAmbiguous: {word: "token.ambiguous", status: 400, code: "sallyport.AmbiguousCredentials", text: "More than one access token", challenge: bearerInvalidRequest},
	TokenMalformed: {word: "token.malformed", status: 401, code: "keymanagement.service.invalid_access_token", text: "Invalid Access Token", challenge: bearerInvalidToken},
	TokenTooLong:   {word: "token.too_long", status: 401, code: "keymanagement.service.invalid_access_token", text: "Invalid Access Token", challenge: bearerInvalidToken},

	DPoPRequired:         {word: "dpop.required", status: 401, code: "keymanagement.service.invalid_access_token", text: "Invalid Access Token", challenge: bearerInvalidToken},
	DPoPMissing:          {word: "dpop.missing", status: 401, code: "sallyport.InvalidDPoPProof", text: "Invalid DPoP proof", challenge: proofChallenge},
	DPoPMalformed:        {word: "dpop.malformed", status: 401, code: "sallyport.InvalidDPoPProof", text: "Invalid DPoP proof", challenge: proofChallenge},
	DPoPMismatch:         {word: "dpop.mismatch", status: 401, code: "sallyport.InvalidDPoPProof", text: "Invalid DPoP proof", challenge: proofChallenge},
	DPoPStale:            {word: "dpop.stale", status: 401, code: "sallyport.InvalidDPoPProof", text: "Invalid DPoP proof", challenge: proofChallenge},
	DPoPSignatureInvalid: {word: "dpop.signature_invalid", status: 401, code: "sallyport.InvalidDPoPProof", text: "Invalid DPoP proof", challenge: proofChallenge},

	TokenOpaque:           {word: "token.opaque", status: 401, code: "keymanagement.service.invalid_access_token", text: "Invalid Access Token", challenge: bearerInvalidToken},
	TokenTooDeep:          {word: "token.too_deep", status: 401, code: "keymanagement.service.invalid_access_token", text: "Invalid Access Token", challenge: bearerInvalidToken},
	TokenTooManyMembers:   {word: "token.too_many_members", status: 401, code: "keymanagement.service.invalid_access_token", text: "Invalid Access Token", challenge: bearerInvalidToken},
	TokenTooManyAudiences: {word: "token.too_many_audiences", status: 401, code: "keymanagement.service.invalid_access_token", text: "Invalid Access Token", challenge: bearerInvalidToken},
	TokenTooManyScopes:    {word: "token.too_many_scopes", status: 401, code: "keymanagement.service.invalid_access_token", text: "Invalid Access Token", challenge: bearerInvalidToken},
	TokenClaimTooLong:     {word: "token.claim_too_long", status: 401, code: "keymanagement.service.invalid_access_token", text: "Invalid Access Token", challenge: bearerInvalidToken},
	TokenAlgorithmRefused: {word: "token.algorithm_refused", status: 401, code: "keymanagement.service.invalid_access_token", text: "Invalid Access Token", challenge: bearerInvalidToken},
	TokenKeyUnknown:       {word: "token.key_unknown", status: 401, code: "keymanagement.service.invalid_access_token", text: "Invalid Access Token", challenge: bearerInvalidToken},
	TokenSignatureInvalid: {word: "token.signature_invalid", status: 401, code: "keymanagement.service.invalid_access_token", text: "Invalid Access Token", challenge: bearerInvalidToken},
	JWKSUnavailable:       {word: "jwks.unavailable", status: 503, code: "steps.servicecallout.ExecutionFailed", text: "Token check is unavailable", technical: true},
	JWKSInvalid:           {word: "jwks.invalid", status: 502, code: "steps.extractvariables.ExecutionFailed", text: "Token check failed", technical: true},

	IntrospectionUnknownCluster:     {word: "introspection.unknown_cluster", status: 500, code: "steps.servicecallout.ExecutionFailed", text: "Token check is not configured", technical: true},
	IntrospectionNoHost:             {word: "introspection.no_host", status: 503, code: "steps.servicecallout.ExecutionFailed", text: "Token check is unavailable", technical: true},
	IntrospectionUnreachable:        {word: "introspection.unreachable", status: 503, code: "steps.servicecallout.ExecutionFailed", text: "Token check is unavailable", technical: true},
	IntrospectionTimeout:            {word: "introspection.timeout", status: 503, code: "steps.servicecallout.ExecutionFailed", text: "Token check is unavailable", technical: true},
	IntrospectionReset:              {word: "introspection.reset", status: 503, code: "steps.servicecallout.ExecutionFailed", text: "Token check is unavailable", technical: true},
	IntrospectionNotHTTP:            {word: "introspection.not_http", status: 503, code: "steps.servicecallout.ExecutionFailed", text: "Token check is unavailable", technical: true},
	IntrospectionDeadline:           {word: "introspection.deadline", status: 503, code: "steps.servicecallout.ExecutionFailed", text: "Token check is unavailable", technical: true},
	IntrospectionOverloaded:         {word: "introspection.overloaded", status: 503, code: "steps.servicecallout.ExecutionFailed", text: "Token check is unavailable", technical: true},
	IntrospectionRejected:           {word: "introspection.rejected", status: 500, code: "steps.servicecallout.ExecutionFailed", text: "Token check failed", technical: true},
	IntrospectionCredentialsRefused: {word: "introspection.credentials_refused", status: 500, code: "steps.servicecallout.ExecutionFailed", text: "Token check failed", technical: true},
	IntrospectionForbidden:          {word: "introspection.forbidden", status: 500, code: "steps.servicecallout.ExecutionFailed", text: "Token check failed", technical: true},
	IntrospectionRateLimited:        {word: "introspection.rate_limited", status: 503, code: "steps.servicecallout.ExecutionFailed", text: "Token check is unavailable", technical: true},
	IntrospectionCircuitOpen:        {word: "introspection.circuit_open", status: 503, code: "steps.servicecallout.ExecutionFailed", text: "Token check is unavailable", technical: true},
	IntrospectionServerError:        {word: "introspection.server_error", status: 503, code: "steps.servicecallout.ExecutionFailed", text: "Token check is unavailable", technical: true},
	IntrospectionUnexpectedStatus:   {word: "introspection.unexpected_status", status: 502, code: "steps.servicecallout.ExecutionFailed", text: "Token check failed", technical: true},
	IntrospectionTooLarge:           {word: "introspection.too_large", status: 502, code: "steps.extractvariables.ExecutionFailed", text: "Token check failed", technical: true},
	IntrospectionTooDeep:            {word: "introspection.too_deep", status: 502, code: "steps.extractvariables.ExecutionFailed", text: "Token check failed", technical: true},
	IntrospectionTooManyMembers:     {word: "introspection.too_many_members", status: 502, code: "steps.extractvariables.ExecutionFailed", text: "Token check failed", technical: true},
	IntrospectionTooManyAudiences:   {word: "introspection.too_many_audiences", status: 502, code: "steps.extractvariables.ExecutionFailed", text: "Token check failed", technical: true},
	IntrospectionTooManyScopes:      {word: "introspection.too_many_scopes", status: 502, code: "steps.extractvariables.ExecutionFailed", text: "Token check failed", technical: true},
	IntrospectionClaimTooLong:       {word: "introspection.claim_too_long", status: 502, code: "steps.extractvariables.ExecutionFailed", text: "Token check failed", technical: true},
	IntrospectionNotJSON:            {word: "introspection.not_json", status: 502, code: "steps.extractvariables.ExecutionFailed", text: "Token check failed", technical: true},
	IntrospectionNoActive:           {word: "introspection.no_active", status: 502, code: "steps.extractvariables.InvalidJSONPath", text: "Token check failed", technical: true},
	IntrospectionDuplicateMember:    {word: "introspection.duplicate_member", status: 502, code: "steps.extractvariables.ExecutionFailed", text: "Token check failed", technical: true},
	IntrospectionClaimsInvalid:      {word: "introspection.claims_invalid", status: 502, code: "steps.extractvariables.UnableToCast", text: "Token check failed", technical: true},

	TokenRefused:             {word: "token.refused", status: 401, code: "keymanagement.service.invalid_access_token", text: "Invalid Access Token", challenge: bearerInvalidToken},
	TokenInactive:            {word: "token.inactive", status: 401, code: "keymanagement.service.invalid_access_token", text: "Invalid Access Token", challenge: bearerInvalidToken},
	TokenKeyMismatch:         {word: "token.key_mismatch", status: 401, code: "keymanagement.service.invalid_access_token", text: "Invalid Access Token", challenge: bearerInvalidToken},
	TokenCertificateMismatch: {word: "token.certificate_mismatch", status: 401, code: "keymanagement.service.invalid_access_token", text: "Invalid Access Token", challenge: bearerInvalidToken},
	DPoPReplayed:             {word: "dpop.replayed", status: 401, code: "sallyport.InvalidDPoPProof", text: "Invalid DPoP proof", challenge: proofChallenge},
	DPoPUnavailable:          {word: "dpop.unavailable", status: 503, code: "sallyport.DPoPUnavailable", text: "Token check is unavailable", technical: true},
	TokenExpired:             {word: "token.expired", status: 401, code: "keymanagement.service.access_token_expired", text: "Access Token expired", challenge: bearerInvalidToken},
	TokenNotYetValid:         {word: "token.not_yet_valid", status: 401, code: "keymanagement.service.invalid_access_token", text: "Invalid Access Token", challenge: bearerInvalidToken},
	TokenTypeUnsupported:     {word: "token.type_unsupported", status: 401, code: "keymanagement.service.invalid_access_token", text: "Invalid Access Token", challenge: bearerInvalidToken},
	TokenIssuerMismatch:      {word: "token.issuer_mismatch", status: 401, code: "keymanagement.service.invalid_access_token", text: "Invalid Access Token", challenge: bearerInvalidToken},
	TokenAudienceMismatch:    {word: "token.audience_mismatch", status: 401, code: "keymanagement.service.invalid_access_token", text: "Invalid Access Token", challenge: bearerInvalidToken},
	TokenClientMismatch:      {word: "token.client_mismatch", status: 401, code: "keymanagement.service.invalid_access_token", text: "Invalid Access Token", challenge: bearerInvalidToken},
	TokenClientNotBound:      {word: "token.client_not_bound", status: 403, code: "sallyport.TokenClientNotBound", text: "Access token does not belong to this app"},
	TokenSenderConstrained:   {word: "token.sender_constrained", status: 401, code: "keymanagement.service.invalid_access_token", text: "Invalid Access Token", challenge: bearerInvalidToken},
	TokenScopeInsufficient:   {word: "token.scope_insufficient", status: 403, code: "steps.oauth.v2.InsufficientScope", text: "Required scope(s) missing", challenge: bearerInsufficientScope},
}

package denial

// Reason says why a request was refused. It is stable: the same dotted word
// stands in the response, the log and the metric. The zero value is Internal,
// so a denial that nobody filled in is a 500, never an admission.
type Reason uint8

// The reasons, in the order in which the sequence can meet them.
const (
	Internal Reason = iota

	RequestMalformed
	PathAmbiguous
	APIUnknown
	ConditionUnclear
	CORSOriginRefused
	FaultRaised

	IPAccessDenied
	IPAccessNoAddress

	SpikeArrestExceeded
	SpikeArrestUnavailable
	ConcurrentCallsExceeded
	ConcurrentCallsUnavailable

	QuotaExceeded
	QuotaUnavailable

	APIKeyMissing
	APIKeyAmbiguous
	APIKeyUnknown
	APIKeyNotApproved
	APIKeyExpired
	AppNotApproved
	APIKeyNotGranted
	AppAddressNotAllowed

	TokenMissing
	TokenAmbiguous
	TokenMalformed
	TokenTooLong

	DPoPRequired
	DPoPMissing
	DPoPMalformed
	DPoPMismatch
	DPoPStale
	DPoPSignatureInvalid

	TokenOpaque
	TokenTooDeep
	TokenTooManyMembers
	TokenTooManyAudiences
	TokenTooManyScopes
	TokenClaimTooLong
	TokenAlgorithmRefused
	TokenKeyUnknown
	TokenSignatureInvalid
	JWKSUnavailable
	JWKSInvalid

	IntrospectionUnknownCluster
	IntrospectionNoHost
	IntrospectionUnreachable
	IntrospectionTimeout
	IntrospectionReset
	IntrospectionNotHTTP
	IntrospectionDeadline
	IntrospectionOverloaded
	IntrospectionRejected
	IntrospectionCredentialsRefused
	IntrospectionForbidden
	IntrospectionRateLimited
	IntrospectionCircuitOpen
	IntrospectionServerError
	IntrospectionUnexpectedStatus
	IntrospectionTooLarge
	IntrospectionTooDeep
	IntrospectionTooManyMembers
	IntrospectionTooManyAudiences
	IntrospectionTooManyScopes
	IntrospectionClaimTooLong
	IntrospectionNotJSON
	IntrospectionNoActive
	IntrospectionDuplicateMember
	IntrospectionClaimsInvalid

	TokenRefused
	TokenInactive
	TokenKeyMismatch
	TokenCertificateMismatch
	DPoPReplayed
	DPoPUnavailable
	TokenExpired
	TokenNotYetValid
	TokenTypeUnsupported
	TokenIssuerMismatch
	TokenAudienceMismatch
	TokenClientMismatch
	TokenClientNotBound
	TokenSenderConstrained
	TokenScopeInsufficient

	reasonCount
)

// ReasonCount is the number of reasons; each is below it.
const ReasonCount = int(reasonCount)

// Reasons lists every reason, for tests and for documents that must name them all.
func Reasons() []Reason {
	all := make([]Reason, reasonCount)
	for i := range all {
		all[i] = Reason(i)
	}
	return all
}

// String is the dotted word. A value outside the table reads as Internal.
//
//go:noinline
func (r Reason) String() string { return r.row().word }

// Status is the HTTP status with which the request is refused.
func (r Reason) Status() int { return r.row().status }

// ErrorCode is Apigee's errorcode for the reason, or Sallyport's own where
// Apigee has none.
func (r Reason) ErrorCode() string { return r.row().code }

// Technical reports whether the reason is a fault of ours, of the operator or
// of a system we depend on, rather than of the request. Only technical
// denials may be turned into a continue by an operator's on_error.
func (r Reason) Technical() bool { return r.row().technical }

//go:noinline
func (r Reason) row() *row {
	if r >= reasonCount {
		r = Internal
	}
	return &table[r]
}

// Denial is a refused request. It is a value, not an error.
type Denial struct {
	Reason Reason

	// RetryAfterSeconds is sent as Retry-After when it is positive (RFC 9110
	// section 10.2.3).
	RetryAfterSeconds int

	// Text replaces the table's text. It comes from compiled configuration
	// only, never from a request, an answer or an error.
	Text string

	// Scope lists, blank-separated, the scopes that the token would need; it is
	// shown in the challenge of TokenScopeInsufficient (RFC 6750 section 3).
	Scope string

	// DPoP lists, blank-separated, the algorithms that proofs may use, where a
	// token may be bound to a key. Challenges about tokens then name that
	// scheme: alone, or, if no token came, beside Bearer (RFC 9449 section
	// 7.1).
	DPoP string

	// Limit is the limit that was reached, nil if none was.
	Limit *Limit

	// Shape is the operator's own form of the refusal, nil for the gateway's.
	Shape *Shape
	// CORS is what a page of another origin may read of it, nil for nothing; see
	// CORS.
	CORS *CORS
	// Origin is the request's origin if CORS allows it, "" otherwise.
	Origin string
}

package okta

import (
	"encoding/json"
	"net/http"
)

// Okta's error descriptions, word for word from its OAuth 2.0 error reference.
const (
	textNoCredentials    = "No client credentials found."
	textBasicInvalid     = "Found Authentication header but was not valid client credentials."
	textClientUnknown    = "Invalid value for 'client_id' parameter."
	textSecretInvalid    = "The client secret supplied for a confidential client is invalid."
	textAuthFailed       = "Client authentication failed. Either the client or the client credentials are invalid."
	textAssertionNoKeys  = "The client does not have a JWKSet configured, but the client_assertion requires one."
	textManyCredentials  = "Cannot supply multiple client credentials. Use one of the following: credentials in the Authorization header, credentials in the post body, or a client_assertion in the post body."
	textTokenMissing     = "The 'token' parameter is required."
	textGrantTypeMissing = "The token request must specify a 'grant_type'. Valid values: [authorization_code, client_credentials]"
	textGrantUnsupported = "The authorization grant type is not supported by the authorization server. Configured grant types: [authorization_code, client_credentials]."
	textGrantInvalid     = "The authorization code is invalid or has expired."
	textPKCEFailed       = "PKCE verification failed."
	textPKCENoVerifier   = "PKCE code verifier is required by the application."
	textPKCENoChallenge  = "PKCE code challenge should be specified in the authorize request for code verification."
	textGrantNotAllowed  = "The client is not authorized to use the provided grant type."
	textScopeMissing     = "The authorization server resource does not have any configured default scopes, 'scope' must be provided."
	textScopeUnknown     = "One or more scopes are not configured for the authorization server resource."
	textPolicyDenied     = "Policy evaluation failed for this request, please check the policy configurations."
)

// oauthError is an error of the OAuth endpoints (RFC 6749 section 5.2).
type oauthError struct {
	status      int
	Code        string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

func (e *oauthError) write(w http.ResponseWriter) { writeJSON(w, e.status, e) }

func invalidClient(text string) *oauthError {
	return &oauthError{http.StatusUnauthorized, "invalid_client", text}
}

func invalidRequest(text string) *oauthError {
	return &oauthError{http.StatusBadRequest, "invalid_request", text}
}

// apiError is an error of Okta's own: rate limits, unknown paths, faults of the server.
type apiError struct {
	status  int
	Code    string     `json:"errorCode"`
	Summary string     `json:"errorSummary"`
	Link    string     `json:"errorLink"`
	ID      string     `json:"errorId"`
	Causes  []struct{} `json:"errorCauses"`
}

func newAPIError(status int, code, summary string) *apiError {
	return &apiError{status, code, summary, code, randomID("oae"), []struct{}{}}
}

func errRateLimited() *apiError {
	return newAPIError(http.StatusTooManyRequests, "E0000047", "API call exceeded rate limit due to too many requests.")
}

func errInternal(status int) *apiError {
	return newAPIError(status, "E0000009", "Internal Server Error")
}

func errNotFound() *apiError {
	return newAPIError(http.StatusNotFound, "E0000007", "Not found: Resource not found: null (null)")
}

func errMethod() *apiError {
	return newAPIError(http.StatusMethodNotAllowed, "E0000022", "The endpoint does not support the provided HTTP method")
}

func errMediaType() *apiError {
	return newAPIError(http.StatusUnsupportedMediaType, "E0000021", "Bad request.  Accept and/or Content-Type headers likely do not match supported values.")
}

func (e *apiError) write(w http.ResponseWriter) { writeJSON(w, e.status, e) }

// writeJSON answers with v and, as Okta does, without a line end.
func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body)
}

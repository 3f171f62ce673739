package okta_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/okta"
)

func TestErrorBodies(t *testing.T) {
	f := newFixture(t)
	token := url.Values{"token": {"x"}}
	oauth := func(code, text string) string {
		return `{"error":"` + code + `","error_description":"` + text + `"}`
	}
	for _, tc := range []struct {
		name, endpoint, id, secret string
		form                       url.Values
		change                     func(*http.Request)
		status                     int
		body                       string
	}{
		{name: "no credentials", endpoint: "introspect", form: token, status: 401,
			body: oauth("invalid_client", "No client credentials found.")},
		{name: "unknown client", endpoint: "introspect", id: "0oaNobody", secret: "x", form: token, status: 401,
			body: oauth("invalid_client", "Invalid value for 'client_id' parameter.")},
		{name: "wrong secret", endpoint: "introspect", id: gatewayID, secret: "x", form: token, status: 401,
			body: oauth("invalid_client", "The client secret supplied for a confidential client is invalid.")},
		{name: "confidential client by id alone", endpoint: "introspect", form: url.Values{"token": {"x"}, "client_id": {gatewayID}}, status: 401,
			body: oauth("invalid_client", "Client authentication failed. Either the client or the client credentials are invalid.")},
		{name: "bearer instead of basic", endpoint: "introspect", form: token, status: 401,
			change: func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") },
			body:   oauth("invalid_client", "Found Authentication header but was not valid client credentials.")},
		{name: "secret not form-encoded", endpoint: "introspect", form: token, status: 401,
			change: func(r *http.Request) { r.SetBasicAuth(gatewayID, gatewaySecret) },
			body:   oauth("invalid_client", "Found Authentication header but was not valid client credentials.")},
		{name: "public client by id alone", endpoint: "introspect", form: url.Values{"token": {"x"}, "client_id": {portalID}}, status: 200,
			body: inactive},
		{name: "two credentials", endpoint: "introspect", id: gatewayID, secret: gatewaySecret,
			form: url.Values{"token": {"x"}, "client_secret": {"y"}}, status: 400,
			body: oauth("invalid_request", "Cannot supply multiple client credentials. Use one of the following: credentials in the Authorization header, credentials in the post body, or a client_assertion in the post body.")},
		{name: "no token", endpoint: "introspect", id: gatewayID, secret: gatewaySecret, form: url.Values{}, status: 400,
			body: oauth("invalid_request", "The 'token' parameter is required.")},
		{name: "token in the query", endpoint: "introspect", id: gatewayID, secret: gatewaySecret, form: url.Values{}, status: 400,
			change: func(r *http.Request) { r.URL.RawQuery = "token=x" },
			body:   oauth("invalid_request", "The 'token' parameter is required.")},
		{name: "token twice", endpoint: "introspect", id: gatewayID, secret: gatewaySecret, form: url.Values{"token": {"x", "y"}}, status: 400,
			body: oauth("invalid_request", "Duplicate parameter provided in request. Duplicated parameters: [token].")},
		{name: "no grant type", endpoint: "token", id: serviceID, secret: serviceSecret, form: url.Values{}, status: 400,
			body: oauth("invalid_request", "The token request must specify a 'grant_type'. Valid values: [authorization_code, client_credentials]")},
		{name: "unsupported grant", endpoint: "token", id: serviceID, secret: serviceSecret, form: url.Values{"grant_type": {"password"}}, status: 400,
			body: oauth("unsupported_grant_type", "The authorization grant type is not supported by the authorization server. Configured grant types: [authorization_code, client_credentials].")},
		{name: "grant not allowed", endpoint: "token", id: gatewayID, secret: gatewaySecret,
			form: url.Values{"grant_type": {"client_credentials"}, "scope": {"customers.read"}}, status: 400,
			body: oauth("unauthorized_client", "The client is not authorized to use the provided grant type.")},
		{name: "unknown scope", endpoint: "token", id: serviceID, secret: serviceSecret,
			form: url.Values{"grant_type": {"client_credentials"}, "scope": {"customers.fly"}}, status: 400,
			body: oauth("invalid_scope", "One or more scopes are not configured for the authorization server resource.")},
		{name: "scope not granted", endpoint: "token", id: serviceID, secret: serviceSecret,
			form: url.Values{"grant_type": {"client_credentials"}, "scope": {"customers.write"}}, status: 400,
			body: oauth("access_denied", "Policy evaluation failed for this request, please check the policy configurations.")},
		{name: "no scope", endpoint: "token", id: serviceID, secret: serviceSecret, form: url.Values{"grant_type": {"client_credentials"}}, status: 400,
			body: oauth("invalid_scope", "The authorization server resource does not have any configured default scopes, 'scope' must be provided.")},
		{name: "unknown code", endpoint: "token", form: url.Values{"grant_type": {"authorization_code"}, "client_id": {portalID},
			"code": {"x"}, "redirect_uri": {portalRedirect}, "code_verifier": {strings.Repeat("v", 43)}}, status: 400,
			body: oauth("invalid_grant", "The authorization code is invalid or has expired.")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			req := f.formRequest(t, tc.endpoint, tc.id, tc.secret, tc.form)
			if tc.change != nil {
				tc.change(req)
			}
			got := f.do(t, req)
			if got.status != tc.status || got.body != tc.body {
				t.Errorf("got %d %s\nwant %d %s", got.status, got.body, tc.status, tc.body)
			}
			if ct := got.header.Get("Content-Type"); ct != "application/json" {
				t.Errorf("content-type is %q", ct)
			}
		})
	}
}

func TestAPIErrors(t *testing.T) {
	f := newFixture(t)
	for _, tc := range []struct {
		name, method, path, contentType string
		status                          int
		code                            string
	}{
		{"introspect by GET", "GET", "/oauth2/default/v1/introspect", "", 405, "E0000022"},
		{"JSON body", "POST", "/oauth2/default/v1/introspect", "application/json", 415, "E0000021"},
		{"other server", "POST", "/oauth2/other/v1/introspect", "", 404, "E0000007"},
		{"library path", "GET", "/oauth2/default/device_authorization", "", 404, "E0000007"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), tc.method, f.base+tc.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", tc.contentType)
			got := f.do(t, req)
			body := decode(t, got.body)
			if got.status != tc.status || body["errorCode"] != tc.code || body["errorLink"] != tc.code {
				t.Errorf("got %d %s, want %d %s", got.status, got.body, tc.status, tc.code)
			}
		})
	}
}

func TestClientCredentials(t *testing.T) {
	f := newFixture(t)
	a := f.post(t, "token", serviceID, serviceSecret, url.Values{"grant_type": {"client_credentials"}, "scope": {"customers.read"}})
	if a.status != http.StatusOK {
		t.Fatalf("token: %d %s", a.status, a.body)
	}
	got := decode(t, a.body)
	token, _ := got["access_token"].(string)
	delete(got, "access_token")
	// The library rounds "expires_in" down from its own reading of the clock.
	if n := got["expires_in"]; n != unix(time.Unix(3600, 0)) && n != unix(time.Unix(3599, 0)) {
		t.Errorf("expires_in is %v", n)
	}
	delete(got, "expires_in")
	wantDiff(t, map[string]any{"token_type": "Bearer", "scope": "customers.read"}, got)
	if cc := a.header.Get("Cache-Control"); !strings.Contains(cc, "no-store") {
		t.Errorf("cache-control is %q", cc)
	}
	_, claims := payload(t, token)
	if claims["sub"] != serviceID || claims["cid"] != serviceID || claims["uid"] != nil {
		t.Errorf("claims are %v", claims)
	}
	if got := decode(t, f.introspect(t, token)); got["active"] != true || got["scope"] != "customers.read" {
		t.Errorf("introspection is %v", got)
	}
}

func TestRateLimitWindow(t *testing.T) {
	f := newFixture(t, func(c *okta.Config) { c.RateLimit = 2 })
	reset := strconv.FormatInt(f.clock.Now().Add(time.Minute).Unix(), 10)
	call := func() answer {
		return f.post(t, "introspect", gatewayID, gatewaySecret, url.Values{"token": {"x"}})
	}
	headers := func(a answer) []string {
		return []string{a.header.Get("X-Rate-Limit-Limit"), a.header.Get("X-Rate-Limit-Remaining"), a.header.Get("X-Rate-Limit-Reset")}
	}
	wantDiff(t, []string{"2", "1", reset}, headers(call()))
	wantDiff(t, []string{"2", "0", reset}, headers(call()))
	refused := call()
	wantDiff(t, []string{"2", "0", reset}, headers(refused))
	if refused.status != 429 || decode(t, refused.body)["errorCode"] != "E0000047" {
		t.Errorf("third call: %d %s", refused.status, refused.body)
	}
	f.clock.Advance(time.Minute)
	if a := call(); a.status != 200 {
		t.Errorf("in the next window: %d %s", a.status, a.body)
	}
}

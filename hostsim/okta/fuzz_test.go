package okta_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/okta"
)

// FuzzIntrospectForm: whatever the body is, only the issued token is active and
// the answer is one of the documented statuses.
func FuzzIntrospectForm(f *testing.F) {
	org, err := okta.New(okta.Config{
		Issuer: "https://okta.test/oauth2/default", RateLimit: 1 << 30,
		Clients: []okta.Client{{ID: gatewayID, Secret: gatewaySecret}},
	})
	if err != nil {
		f.Fatal(err)
	}
	token, err := org.IssueToken(okta.TokenRequest{ClientID: gatewayID})
	if err != nil {
		f.Fatal(err)
	}
	for _, body := range []string{
		"token=" + token, "token=" + token + "&token=x", "token=", "", "token=%zz", "token=a.b.c",
		"token=eyJhbGciOiJub25lIn0.e30.", "client_secret=x&token=" + token, "token=" + token + "A",
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		req := httptest.NewRequest(http.MethodPost, "/oauth2/default/v1/introspect", strings.NewReader(body))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth(url.QueryEscape(gatewayID), url.QueryEscape(gatewaySecret))
		rec := httptest.NewRecorder()
		org.Handler().ServeHTTP(rec, req)
		switch rec.Code {
		case http.StatusOK:
			form, err := url.ParseQuery(body)
			issued := err == nil && form.Get("token") == token
			if active := rec.Body.String() != inactive; active != issued {
				t.Errorf("active is %v for %q", active, body)
			}
		case http.StatusBadRequest:
		default:
			t.Errorf("status %d for %q", rec.Code, body)
		}
	})
}

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario/verbatim"
)

// oktaReasons are what echoingOkta can be made to answer, by the end of the token.
var oktaReasons = map[string]string{
	"status-400":    "introspection.rejected",
	"status-401":    "introspection.credentials_refused",
	"status-403":    "introspection.forbidden",
	"status-429":    "introspection.rate_limited",
	"status-500":    "introspection.server_error",
	"status-302":    "introspection.unexpected_status",
	"not-json":      "introspection.not_json",
	"no-active":     "introspection.no_active",
	"active-twice":  "introspection.duplicate_member",
	"bad-claims":    "introspection.claims_invalid",
	"inactive":      "token.inactive",
	"expired":       "token.expired",
	"other-issuer":  "token.issuer_mismatch",
	"other-client":  "token.client_not_bound",
	"too-few-scope": "token.scope_insufficient",
	"reset":         "introspection.reset",
}

// echoingOkta repeats token and credentials in every answer, in headers, in the reason phrase and in the body.
type echoingOkta struct {
	mu   sync.Mutex
	told strings.Builder // what the calls carried
}

func (o *echoingOkta) introspect(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, verbatim.MaxMessage))
	form, _ := url.ParseQuery(string(body))
	o.mu.Lock()
	fmt.Fprintf(&o.told, "%v\n%s\n", r.Header, body)
	o.mu.Unlock()

	token := form.Get("token")
	_, encoded, _ := r.BasicAuth()
	secret, _ := url.QueryUnescape(encoded) // RFC 6749, section 2.3.1
	name := strings.TrimPrefix(token, leakToken)
	w.Header().Set("x-echo", token+" "+secret)
	w.Header().Set("www-authenticate", `Basic realm="`+token+secret+`"`)
	w.Header().Set("content-type", "application/json")
	echo := map[string]any{"error": token, "error_description": "the secret is " + secret, "token": token}
	var status int
	switch _, err := fmt.Sscanf(name, "status-%d", &status); {
	case err == nil:
		w.Header().Set("location", "https://"+oktaHost+"/"+url.PathEscape(token))
		w.WriteHeader(status)
	case name == "not-json":
		_, _ = io.WriteString(w, token+secret)
		return
	case name == "active-twice":
		text, _ := json.Marshal(echo)
		_, _ = io.WriteString(w, `{"active":true,"active":true,`+string(text[1:]))
		return
	case name == "reset":
		w.WriteHeader(http.StatusOK)
		_, _ = io.WriteString(w, token)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case name != "no-active":
		claims(name, token, secret, echo)
	}
	_ = json.NewEncoder(w).Encode(echo)
}

// claims adds those of a good token to the answer, but for what the name says.
func claims(name, token, secret string, answer map[string]any) {
	answer["active"], answer["token_type"], answer["client_id"] = name != "inactive", "Bearer", "0oa1portal"
	answer["sub"], answer["scope"], answer["aud"] = "jane", "customers.read "+url.QueryEscape(token), "api://default"
	answer["iss"], answer["exp"] = "https://"+oktaHost+"/oauth2/default", time.Now().Add(time.Hour).Unix()
	switch name {
	case "bad-claims":
		answer["exp"] = token + secret
	case "expired":
		answer["exp"] = time.Now().Add(-time.Hour).Unix()
	case "other-issuer":
		answer["iss"] = token + secret
	case "other-client":
		answer["client_id"] = token + secret
	case "too-few-scope":
		answer["scope"] = token + " " + secret
	}
}

// wantTold: the calls do carry token and secret. Not to find them there would mean that nothing is found anywhere.
func (o *echoingOkta) wantTold(t *testing.T) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	for secret, want := range map[string]string{
		leakToken + "good":                           "encoded",
		"0oa1gateway:" + url.QueryEscape(leakSecret): "in base64",
	} {
		if spelling, _ := findSpelled(o.told.String(), secret); spelling != want {
			t.Errorf("found %q %q in the calls to the authorization server, want it %q", secret, spelling, want)
		}
	}
}

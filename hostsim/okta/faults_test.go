package okta_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/okta"
)

func TestFaultAnswers(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fault func(*okta.Faults)
		check func(*testing.T, answer)
	}{
		{"limited", (*okta.Faults).Limited, func(t *testing.T, a answer) {
			body := decode(t, a.body)
			id, _ := body["errorId"].(string)
			delete(body, "errorId")
			wantDiff(t, map[string]any{
				"errorCode": "E0000047", "errorSummary": "API call exceeded rate limit due to too many requests.",
				"errorLink": "E0000047", "errorCauses": []any{},
			}, body)
			if a.status != 429 || id == "" || a.header.Get("X-Rate-Limit-Remaining") != "0" || a.header.Get("Retry-After") != "" {
				t.Errorf("got %d %v", a.status, a.header)
			}
		}},
		{"500", func(f *okta.Faults) { f.ServerError(500) }, func(t *testing.T, a answer) {
			if a.status != 500 || decode(t, a.body)["errorCode"] != "E0000009" {
				t.Errorf("got %d %s", a.status, a.body)
			}
		}},
		{"503", func(f *okta.Faults) { f.ServerError(503) }, func(t *testing.T, a answer) {
			if a.status != 503 || a.header.Get("Content-Type") != "text/html" {
				t.Errorf("got %d %v", a.status, a.header)
			}
		}},
		{"credentials refused", (*okta.Faults).RefuseCredentials, func(t *testing.T, a answer) {
			if a.status != 401 || decode(t, a.body)["error"] != "invalid_client" {
				t.Errorf("got %d %s", a.status, a.body)
			}
		}},
		{"not JSON", (*okta.Faults).NotJSON, func(t *testing.T, a answer) {
			if a.status != 200 || !strings.HasPrefix(a.body, "<html>") {
				t.Errorf("got %d %s", a.status, a.body)
			}
		}},
		{"oversize", func(f *okta.Faults) { f.Oversize(1 << 20) }, func(t *testing.T, a answer) {
			if a.status != 200 || len(a.body) != 1<<20 || decode(t, a.body)["active"] != true {
				t.Errorf("got %d and %d bytes", a.status, len(a.body))
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFixture(t)
			token := f.issue(t, okta.TokenRequest{ClientID: serviceID})
			tc.fault(f.Faults())
			tc.check(t, f.post(t, "introspect", gatewayID, gatewaySecret, url.Values{"token": {token}}))
			f.Faults().Clear()
			if got := decode(t, f.introspect(t, token)); got["active"] != true {
				t.Errorf("after Clear: %v", got)
			}
		})
	}
}

func TestFaultsWithoutAnswer(t *testing.T) {
	for name, fault := range map[string]func(*okta.Faults){
		"down":    (*okta.Faults).Down,
		"garbage": (*okta.Faults).Garbage,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			fault(f.Faults())
			req := f.formRequest(t, "introspect", gatewayID, gatewaySecret, url.Values{"token": {"x"}})
			if resp, err := f.client.Do(req); err == nil {
				resp.Body.Close()
				t.Errorf("got an answer with status %d", resp.StatusCode)
			}
			if n := f.IntrospectionCalls(); n == 0 {
				t.Error("the call was not counted")
			}
		})
	}
}

func TestDownConcernsEveryPath(t *testing.T) {
	f := newFixture(t)
	f.Faults().Down()
	if resp, err := f.client.Get(f.base + "/oauth2/default/v1/keys"); err == nil {
		resp.Body.Close()
		t.Errorf("keys answered %d", resp.StatusCode)
	}
}

func TestSlowWaitsAndEndsWithItsClient(t *testing.T) {
	f := newFixture(t)
	f.Faults().Slow(time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	req := f.formRequest(t, "introspect", gatewayID, gatewaySecret, url.Values{"token": {"x"}}).WithContext(ctx)
	if resp, err := f.client.Do(req); err == nil {
		resp.Body.Close()
		t.Errorf("got status %d at once", resp.StatusCode)
	}
	// The fixture's server waits for its requests when it closes: a wait that did
	// not end with its client would hang the test.

	f.Faults().Slow(30 * time.Millisecond)
	begin := time.Now()
	if a := f.post(t, "introspect", gatewayID, gatewaySecret, url.Values{"token": {"x"}}); a.status != http.StatusOK {
		t.Errorf("slow answer: %d", a.status)
	}
	if d := time.Since(begin); d < 30*time.Millisecond {
		t.Errorf("answered after %s", d)
	}
}

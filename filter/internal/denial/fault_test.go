package denial_test

import (
	"encoding/json"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
)

func TestEveryReasonHasAWholeRow(t *testing.T) {
	words := map[string]bool{}
	shape := regexp.MustCompile(`^[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*$`)
	for _, r := range denial.Reasons() {
		if !shape.MatchString(r.String()) {
			t.Errorf("reason %d: word %q is not dotted lower case", r, r)
		}
		if words[r.String()] {
			t.Errorf("reason %q stands twice", r)
		}
		words[r.String()] = true
		if r.Status() < 400 || r.Status() > 599 {
			t.Errorf("%s: status %d lets the client believe that all is well", r, r.Status())
		}
		if r.ErrorCode() == "" {
			t.Errorf("%s: no errorcode", r)
		}
		if r.Technical() != (r.Status() >= 500) {
			t.Errorf("%s: status %d, technical %v: the client's own faults are 4xx, ours are 5xx", r, r.Status(), r.Technical())
		}
	}
}

func TestZeroDenialIsAnInternalError(t *testing.T) {
	got := denial.Render(denial.Denial{}, denial.Apigee)
	if got.Status != 500 {
		t.Errorf("zero denial: status %d, want 500", got.Status)
	}
	if beyond := denial.Reason(250); beyond.String() != "internal.error" || beyond.Status() != 500 {
		t.Errorf("a reason outside the table reads as %q, %d", beyond, beyond.Status())
	}
}

func TestRender(t *testing.T) {
	tests := []struct {
		name   string
		denial denial.Denial
		format denial.Format
		want   denial.Response
	}{
		{
			name:   "apigee shape with the spike arrest's own text and a time to retry",
			denial: denial.Denial{Reason: denial.SpikeArrestExceeded, RetryAfterSeconds: 3, Text: `Spike arrest violation. Allowed rate : 5ps`},
			want: denial.Response{Status: 429,
				Headers: []host.Header{{Name: "content-type", Value: "application/json"}, {Name: "cache-control", Value: "no-store"}, {Name: "x-sallyport-reason", Value: "spike_arrest.exceeded"}, {Name: "retry-after", Value: "3"}},
				Body:    []byte(`{"fault":{"faultstring":"Spike arrest violation. Allowed rate : 5ps","detail":{"errorcode":"policies.ratelimit.SpikeArrestViolation"}}}`)},
		},
		{
			name:   "problem details name status and reason",
			denial: denial.Denial{Reason: denial.APIKeyExpired},
			format: denial.Problem,
			want: denial.Response{Status: 401,
				Headers: []host.Header{{Name: "content-type", Value: "application/problem+json"}, {Name: "cache-control", Value: "no-store"}, {Name: "x-sallyport-reason", Value: "api_key.expired"}, {Name: "www-authenticate", Value: `ApiKey realm="sallyport"`}},
				Body:    []byte(`{"type":"about:blank","title":"Key Expired","status":401,"reason":"api_key.expired","errorcode":"keymanagement.service.consumer_key_expired"}`)},
		},
		{
			name:   "no token at all: a challenge without an error",
			denial: denial.Denial{Reason: denial.TokenMissing},
			want: denial.Response{Status: 401,
				Headers: []host.Header{{Name: "content-type", Value: "application/json"}, {Name: "cache-control", Value: "no-store"}, {Name: "x-sallyport-reason", Value: "token.missing"}, {Name: "www-authenticate", Value: `Bearer realm="sallyport"`}},
				Body:    []byte(`{"fault":{"faultstring":"Access token required","detail":{"errorcode":"keymanagement.service.invalid_access_token"}}}`)},
		},
		{
			name:   "insufficient scope names the scopes",
			denial: denial.Denial{Reason: denial.TokenScopeInsufficient, Scope: "a b"},
			want: denial.Response{Status: 403,
				Headers: []host.Header{{Name: "content-type", Value: "application/json"}, {Name: "cache-control", Value: "no-store"}, {Name: "x-sallyport-reason", Value: "token.scope_insufficient"}, {Name: "www-authenticate", Value: `Bearer realm="sallyport", error="insufficient_scope", scope="a b"`}},
				Body:    []byte(`{"fault":{"faultstring":"Required scope(s) missing","detail":{"errorcode":"steps.oauth.v2.InsufficientScope"}}}`)},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, denial.Render(tt.denial, tt.format)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestRenderedBodiesAreJSON(t *testing.T) {
	for _, r := range denial.Reasons() {
		for _, format := range []denial.Format{denial.Apigee, denial.Problem} {
			got := denial.Render(denial.Denial{Reason: r, Text: "quote \" backslash \\ newline \n and é"}, format)
			var decoded any
			if err := json.Unmarshal(got.Body, &decoded); err != nil {
				t.Errorf("%s: body %s: %v", r, got.Body, err)
			}
		}
	}
}

func TestParseFormat(t *testing.T) {
	for word, want := range map[string]denial.Format{"apigee": denial.Apigee, "problem": denial.Problem} {
		if got, err := denial.ParseFormat(word); err != nil || got != want {
			t.Errorf("ParseFormat(%q) = %v, %v", word, got, err)
		}
	}
	if _, err := denial.ParseFormat("xml"); err == nil {
		t.Error("an unknown format is taken")
	}
}

// TestARendererRendersOnce what says the same, and never takes one refusal for another.
func TestARendererRendersOnce(t *testing.T) {
	for _, format := range []denial.Format{denial.Apigee, denial.Problem} {
		r := denial.Renderer{Format: format}
		denials := []denial.Denial{
			{Reason: denial.TokenMissing}, {Reason: denial.TokenMissing, DPoP: "ES256"}, {Reason: denial.TokenMissing},
			{Reason: denial.TokenScopeInsufficient, Scope: "a"}, {Reason: denial.TokenScopeInsufficient, Scope: "b"},
			{Reason: denial.SpikeArrestExceeded, RetryAfterSeconds: 1}, {Reason: denial.SpikeArrestExceeded, RetryAfterSeconds: 2},
			{Reason: denial.SpikeArrestExceeded, RetryAfterSeconds: 2, Text: "Spike"}, {}, {Reason: 250},
		}
		for _, d := range denials {
			first := r.Render(d)
			first.Wire = nil
			if diff := cmp.Diff(denial.Render(d, format), *first); diff != "" {
				t.Errorf("%+v (-want +got):\n%s", d, diff)
			}
			first.Wire = []byte("as the host has it")
			if again := r.Render(d); again != first {
				t.Errorf("%+v was rendered twice", d)
			}
		}
	}
}

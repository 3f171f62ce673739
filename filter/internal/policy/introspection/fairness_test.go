package introspection

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/breaker"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

var asJSON = host.Header{Name: "content-type", Value: "application/json;charset=ISO-8859-1"}

// breaking is a bench whose breaker opens at the third failure.
func breaking() *bench {
	return newBench(func(o *Options) {
		o.CacheEntries = 0
		o.Breaker = breaker.Breaker{Failures: 3, FailurePercent: 50, MinCalls: 20, Window: 10 * time.Second, OpenFor: time.Second, LongestOpen: time.Second}
	})
}

// ask lets requests come with tokens that the server answers so, one after the other, and reports whether another user
// gets an answer then.
func (b *bench) ask(a host.Answer, tokens ...string) (open bool) {
	for _, token := range tokens {
		n := len(b.air.calls)
		b.arrive(token)
		if len(b.air.calls) > n {
			b.land(n, a)
		}
	}
	n := len(b.air.calls)
	x := b.arrive("of-ann")
	if len(b.air.calls) == n {
		return x.run.Denial().Reason == denial.IntrospectionCircuitOpen
	}
	b.land(n, b.active("ann"))
	return x.verdict != pipeline.Admitted
}

// TestBreakerFairness: whatever the server does when it is asked about one token, the others go on; what it does to all
// tokens is an outage, but for what shows that it is at work.
func TestBreakerFairness(t *testing.T) {
	failed := func(f host.Failure) host.Answer { return host.Answer{Failure: f} }
	type kind struct {
		name       string
		answer     host.Answer
		once, each bool // opens the breaker, with one token and with many
	}
	kinds := []kind{
		{"no connection", failed(host.NoConnection), true, true},
		{"no host", failed(host.NoHost), true, true},
		{"reset before an answer", failed(host.Unreachable), false, true},
		{"timed out", failed(host.TimedOut), false, true},
		{"broken off", failed(host.ResetMidAnswer), false, true},
		{"not HTTP", failed(host.NotHTTP), false, true},
		{"unknown cluster", failed(host.UnknownCluster), false, false},
		{"a page", answered(200, "<html>"), false, true},
		{"a page that says so", answered(200, "<html>", host.Header{Name: "content-type", Value: "text/html"}), false, true},
		{"nothing", answered(200, ""), false, true},
		{"JSON of something else", answered(200, `{"status":"maintenance"}`), false, true},
		{"no JSON, as JSON", answered(200, "<html>", asJSON), false, false},
		{"Latin-1", answered(200, "{\"active\":true,\"name\":\"Jos\xe9\"}", asJSON), false, false},
		{"UTF-16", answered(200, "\xff\xfe{\x00}\x00", asJSON), false, false},
		{"no active, as JSON", answered(200, `{"active":"true"}`, asJSON), false, false},
		{"an array, as JSON", answered(200, `[true]`, asJSON), false, false},
		{"duplicate member", answered(200, `{"active":true,"active":true}`), false, false},
		{"wrong claim", answered(200, `{"active":true,"sub":7}`), false, false},
		{"too large", answered(200, strings.Repeat(" ", MaxAnswerBytes+1)), false, false},
		{"inactive", answered(200, `{"active":false}`), false, false},
		{"refused token", answered(400, `{"error":"unsupported_token_type"}`), false, false},
	}
	for status := 400; status < 500; status++ {
		kinds = append(kinds, kind{fmt.Sprint(status), answered(status, ""), false, status == 408})
	}
	for _, status := range []int{0, 100, 201, 202, 203, 204, 205, 206, 226, 300, 301, 302, 303, 304, 307, 308, 500, 501, 502, 503, 504, 505, 507, 508, 510, 511, 520, 599, 600} {
		kinds = append(kinds, kind{fmt.Sprint(status), answered(status, ""), false, true})
	}
	for _, k := range kinds {
		if k.name == "429" {
			continue // limits all calls, and opens no breaker
		}
		t.Run(k.name, func(t *testing.T) {
			var one, many []string
			for i := range 50 {
				one, many = append(one, "odd"), append(many, fmt.Sprintf("odd-%d", i))
			}
			if got := breaking().ask(k.answer, one...); got != k.once {
				t.Errorf("with one token, another is kept out: %v", got)
			}
			if got := breaking().ask(k.answer, many...); got != k.each {
				t.Errorf("with many tokens, another is kept out: %v", got)
			}
			if got := breaking().ask(k.answer, "odd-1", "odd-2", "odd-1", "odd-2", "odd-2"); got != k.once {
				t.Errorf("with two tokens, another is kept out: %v", got)
			}
		})
	}
}

// TestBreakerFairnessOfSteps: with several steps that ask one server as several clients, a token is still one.
func TestBreakerFairnessOfSteps(t *testing.T) {
	breaker := breaker.Breaker{Failures: 3, FailurePercent: 50, MinCalls: 20, Window: 10 * time.Second, OpenFor: time.Second, LongestOpen: time.Second}
	p, one, other := newPair(func(o *Options) { o.Breaker = breaker }, func(o *Options) { o.Breaker, o.ClientID, o.Path = breaker, "other", "/other" })
	for _, vm := range []*bench{one, other, one, other} {
		vm.arrive("odd")
		vm.land(len(vm.air.calls)-1, answered(500, ""))
	}
	p.wantCalls(t, 4)
	one.arrive("of-ann").wantParked(t)
	other.arrive("of-joe").wantParked(t)
}

// TestRejectionReason: a 400 that is about the token is the caller's, and all that may be about us is ours.
func TestRejectionReason(t *testing.T) {
	for _, tt := range []struct {
		body    string
		callers bool
	}{
		{`{"error":"unsupported_token_type"}`, true},
		{`{"error":"unsupported_token_type","error_description":"unsupported token type"}`, true},
		{` {"error_description":"x","error":"invalid_token"} `, true},
		{`{"error":"invalid_grant"}`, true},
		{`{"error":"expired_token"}`, true},
		{`{"error":"TOKEN_NOT_FOUND"}`, true},
		{`{"error":"token.revoked"}`, true},
		{`{"error":"` + strings.Repeat("x", maxErrorCode) + `"}`, true},
		{`{"error":"invalid"}`, true},
		{`{"error":"invalid_request invalid_client"}`, false},
		{`{"error":"` + strings.Repeat("x", maxErrorCode+1) + `"}`, false},
		{`{"error":"unsupported_token_type","x":"` + strings.Repeat("x", maxErrorBytes) + `"}`, false},
		{`{"error":"unsupported_token_type","error":"unsupported_token_type"}`, false},
		{`{"error":"unsupported_token_type","err\u006fr":"invalid_client"}`, false},
		{`{"error":"unsupported_token_type"`, false},
		{`{"error":"unsupported_token_type"}x`, false},
		{`["unsupported_token_type"]`, false},
		{`{"error":{"code":"unsupported_token_type"}}`, false},
		{`{"error":true}`, false},
		{`{"error":null}`, false},
		{`{"error":""}`, false},
		{`{"error":"Bad Request"}`, false},
		{`{"error":"unsupported_token_type\n"}`, false},
		{`{"error":"unsupported_t\u00f6ken_type"}`, false},
		{`{"Error":"unsupported_token_type"}`, false},
		{`{"errorCode":"E0000001"}`, false},
		{`{"active":false}`, false},
		{`error=unsupported_token_type`, false},
		{``, false},
	} {
		a := answered(400, tt.body)
		if got := judge(&a, 0).denial.Reason; (got == denial.TokenRefused) != tt.callers || got != denial.TokenRefused && got != denial.IntrospectionRejected {
			t.Errorf("%q: %v", tt.body, got)
		}
	}
	for _, code := range strings.Fields(errorsOfOurs) {
		for _, spelled := range []string{code, strings.ToUpper(code)} {
			a := answered(400, `{"error":"`+spelled+`"}`)
			if got := judge(&a, 0).denial.Reason; got != denial.IntrospectionRejected {
				t.Errorf("%s: %v", spelled, got)
			}
		}
	}
	for _, status := range []int{401, 403, 404, 422, 500} {
		a := answered(status, `{"error":"unsupported_token_type"}`)
		if got := judge(&a, 0).denial.Reason; got == denial.TokenRefused {
			t.Errorf("%d: %v", status, got)
		}
	}
	cut := answered(400, `{"error":"unsupported_token_type"}`)
	cut.BodySize++
	if got := judge(&cut, 0).denial.Reason; got != denial.IntrospectionRejected {
		t.Errorf("cut: %v", got)
	}
}

// TestARefusedTokenIsNotKept: that a token was refused is no active: false. It takes back no answer that is known, is
// asked about again, and is no outage in which a stale answer may be used.
func TestARefusedTokenIsNotKept(t *testing.T) {
	refused := answered(400, `{"error":"unsupported_token_type"}`)
	p, one, other := newPair(nil, nil)
	for range 2 {
		x := one.arrive("token")
		one.land(len(one.air.calls)-1, refused)
		x.wantDenied(t, denial.Denial{Reason: denial.TokenRefused})
	}
	p.wantCalls(t, 2)
	waiting := []*exchange{one.arrive("token"), other.arrive("token")}
	one.land(2, refused)
	for _, x := range waiting {
		x.wantDenied(t, denial.Denial{Reason: denial.TokenRefused})
	}
	p.wantCalls(t, 3)

	b := staleBench(nil)
	b.now = b.now.Add(time.Minute)
	b.again(refused).wantDenied(t, denial.Denial{Reason: denial.TokenRefused})
	b.again(answered(500, "")).wantAdmitted(t, "alice")
}

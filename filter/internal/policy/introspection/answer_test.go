package introspection

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
)

var start = time.Date(2026, 11, 23, 12, 0, 0, 250_000_000, time.UTC)

func answered(status int, body string, headers ...host.Header) host.Answer {
	return host.Answer{
		Failure: host.NoFailure, Status: status, Headers: headers,
		Body: []byte(body), BodySize: len(body),
	}
}

func TestJudgeDenies(t *testing.T) {
	const good = `{"active":true}`
	failed := func(f host.Failure) host.Answer {
		a := answered(200, good)
		a.Failure = f // even with a good answer beside it
		return a
	}
	cut := answered(200, good)
	cut.BodySize++
	long := `{"active":true,"x":"` + strings.Repeat("x", MaxAnswerBytes) + `"}`
	tests := []struct {
		name   string
		answer host.Answer
		reason denial.Reason
		retry  int
	}{
		{"nobody filled it in", host.Answer{}, denial.Internal, 0},
		{"failure unknown", failed(host.FailureUnknown), denial.Internal, 0},
		{"failure of a later time", failed(host.Failure(250)), denial.Internal, 0},
		{"unknown cluster", failed(host.UnknownCluster), denial.IntrospectionUnknownCluster, 0},
		{"no host", failed(host.NoHost), denial.IntrospectionNoHost, unavailableRetrySeconds},
		{"unreachable", failed(host.Unreachable), denial.IntrospectionUnreachable, unavailableRetrySeconds},
		{"timed out", failed(host.TimedOut), denial.IntrospectionTimeout, unavailableRetrySeconds},
		{"reset mid answer", failed(host.ResetMidAnswer), denial.IntrospectionReset, unavailableRetrySeconds},
		{"not http", failed(host.NotHTTP), denial.IntrospectionNotHTTP, unavailableRetrySeconds},
		{"400", answered(400, `{"error":"invalid_request"}`), denial.IntrospectionRejected, 0},
		{"401", answered(401, `{"error":"invalid_client"}`), denial.IntrospectionCredentialsRefused, 0},
		{"403", answered(403, ""), denial.IntrospectionForbidden, 0},
		{"429", answered(429, `{"errorCode":"E0000047"}`), denial.IntrospectionRateLimited, 30},
		{"429 that says when", answered(429, "", host.Header{Name: "retry-after", Value: "17"}), denial.IntrospectionRateLimited, 17},
		{"500", answered(500, ""), denial.IntrospectionServerError, unavailableRetrySeconds},
		{"503", answered(503, good), denial.IntrospectionServerError, unavailableRetrySeconds},
		{"503 that says when", answered(503, "", host.Header{Name: "retry-after", Value: "17"}), denial.IntrospectionServerError, 17},
		{"599", answered(599, ""), denial.IntrospectionServerError, unavailableRetrySeconds},
		{"600", answered(600, good), denial.IntrospectionUnexpectedStatus, 0},
		{"no status", answered(0, good), denial.IntrospectionUnexpectedStatus, 0},
		{"negative status", answered(-200, good), denial.IntrospectionUnexpectedStatus, 0},
		{"201 with a good body", answered(201, good), denial.IntrospectionUnexpectedStatus, 0},
		{"204", answered(204, ""), denial.IntrospectionUnexpectedStatus, 0},
		{"302", answered(302, "", host.Header{Name: "location", Value: "/"}), denial.IntrospectionUnexpectedStatus, 0},
		{"404", answered(404, good), denial.IntrospectionUnexpectedStatus, 0},
		{"too large", answered(200, long), denial.IntrospectionTooLarge, 0},
		{"too large, cut at the bound", host.Answer{Failure: host.NoFailure, Status: 200, Body: []byte(long[:MaxAnswerBytes]), BodySize: len(long)}, denial.IntrospectionTooLarge, 0},
		{"cut although small", cut, denial.IntrospectionTooLarge, 0},
		{"empty", answered(200, ""), denial.IntrospectionNotJSON, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := judge(&tt.answer, start.UnixNano())
			if v.claims != nil {
				t.Fatalf("took claims %+v", v.claims)
			}
			want := denial.Denial{Reason: tt.reason, RetryAfterSeconds: tt.retry}
			if diff := cmp.Diff(want, v.denial); diff != "" {
				t.Errorf("denial (-want +got):\n%s", diff)
			}
		})
	}
}

func TestJudgeTakesTheLongestAnswer(t *testing.T) {
	const before, after = `{"active":true,"x":"`, `"}`
	a := answered(200, before+strings.Repeat("x", MaxAnswerBytes-len(before)-len(after))+after)
	if v := judge(&a, start.UnixNano()); v.claims == nil || !v.claims.Active {
		t.Errorf("refused %d bytes for %v", len(a.Body), v.denial.Reason)
	}
}

func TestEvery503SaysWhenToComeAgain(t *testing.T) {
	for _, r := range denial.Reasons() {
		if got := denialFor(r).RetryAfterSeconds > 0; got != (r.Status() == 503) {
			t.Errorf("%v: status %d, has retry %v", r, r.Status(), got)
		}
	}
}

package introspection

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/filter/internal/fault"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

var start = time.Date(2026, 11, 23, 12, 0, 0, 250_000_000, time.UTC)

func answered(status int, body string, headers ...pipeline.Header) pipeline.Answer {
	return pipeline.Answer{
		Failure: pipeline.NoFailure, Status: status, Headers: headers,
		Body: []byte(body), BodySize: len(body),
	}
}

func TestJudgeDenies(t *testing.T) {
	const good = `{"active":true}`
	failed := func(f pipeline.Failure) pipeline.Answer {
		a := answered(200, good)
		a.Failure = f // even with a good answer beside it
		return a
	}
	cut := answered(200, good)
	cut.BodySize++
	long := `{"active":true,"x":"` + strings.Repeat("x", MaxAnswerBytes) + `"}`
	tests := []struct {
		name   string
		answer pipeline.Answer
		reason fault.Reason
		retry  int
	}{
		{"nobody filled it in", pipeline.Answer{}, fault.Internal, 0},
		{"failure unknown", failed(pipeline.FailureUnknown), fault.Internal, 0},
		{"failure of a later time", failed(pipeline.Failure(250)), fault.Internal, 0},
		{"unknown cluster", failed(pipeline.UnknownCluster), fault.IntrospectionUnknownCluster, 0},
		{"no host", failed(pipeline.NoHost), fault.IntrospectionNoHost, unavailableRetrySeconds},
		{"unreachable", failed(pipeline.Unreachable), fault.IntrospectionUnreachable, unavailableRetrySeconds},
		{"timed out", failed(pipeline.TimedOut), fault.IntrospectionTimeout, unavailableRetrySeconds},
		{"reset mid answer", failed(pipeline.ResetMidAnswer), fault.IntrospectionReset, unavailableRetrySeconds},
		{"not http", failed(pipeline.NotHTTP), fault.IntrospectionNotHTTP, unavailableRetrySeconds},
		{"400", answered(400, `{"error":"invalid_request"}`), fault.IntrospectionRejected, 0},
		{"401", answered(401, `{"error":"invalid_client"}`), fault.IntrospectionCredentialsRefused, 0},
		{"403", answered(403, ""), fault.IntrospectionForbidden, 0},
		{"429", answered(429, `{"errorCode":"E0000047"}`), fault.IntrospectionRateLimited, 30},
		{"429 that says when", answered(429, "", pipeline.Header{Name: "retry-after", Value: "17"}), fault.IntrospectionRateLimited, 17},
		{"500", answered(500, ""), fault.IntrospectionServerError, unavailableRetrySeconds},
		{"503", answered(503, good), fault.IntrospectionServerError, unavailableRetrySeconds},
		{"503 that says when", answered(503, "", pipeline.Header{Name: "retry-after", Value: "17"}), fault.IntrospectionServerError, 17},
		{"599", answered(599, ""), fault.IntrospectionServerError, unavailableRetrySeconds},
		{"600", answered(600, good), fault.IntrospectionUnexpectedStatus, 0},
		{"no status", answered(0, good), fault.IntrospectionUnexpectedStatus, 0},
		{"negative status", answered(-200, good), fault.IntrospectionUnexpectedStatus, 0},
		{"201 with a good body", answered(201, good), fault.IntrospectionUnexpectedStatus, 0},
		{"204", answered(204, ""), fault.IntrospectionUnexpectedStatus, 0},
		{"302", answered(302, "", pipeline.Header{Name: "location", Value: "/"}), fault.IntrospectionUnexpectedStatus, 0},
		{"404", answered(404, good), fault.IntrospectionUnexpectedStatus, 0},
		{"too large", answered(200, long), fault.IntrospectionTooLarge, 0},
		{"too large, cut at the bound", pipeline.Answer{Failure: pipeline.NoFailure, Status: 200, Body: []byte(long[:MaxAnswerBytes]), BodySize: len(long)}, fault.IntrospectionTooLarge, 0},
		{"cut although small", cut, fault.IntrospectionTooLarge, 0},
		{"empty", answered(200, ""), fault.IntrospectionNotJSON, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := judge(&tt.answer, start.UnixNano())
			if v.claims != nil {
				t.Fatalf("took claims %+v", v.claims)
			}
			want := fault.Denial{Reason: tt.reason, RetryAfterSeconds: tt.retry}
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
	for _, r := range fault.Reasons() {
		if got := denialFor(r).RetryAfterSeconds > 0; got != (r.Status() == 503) {
			t.Errorf("%v: status %d, has retry %v", r, r.Status(), got)
		}
	}
}

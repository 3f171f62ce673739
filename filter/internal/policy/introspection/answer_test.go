package introspection

import (
	"strconv"
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
		{"429", answered(429, `{"errorCode":"E0000047"}`), fault.IntrospectionRateLimited, limitedRetrySeconds},
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

func TestRetryAfterLimited(t *testing.T) {
	at := func(offset int64) string { return strconv.FormatInt(start.Unix()+offset, 10) }
	tests := []struct {
		name, retryAfter, reset string
		want                    int
	}{
		{"neither", "", "", limitedRetrySeconds},
		{"reset in a second", "", at(1), 1},
		{"reset at the end of a window", "", at(60), 60},
		{"reset at the bound", "", at(maxRetrySeconds), maxRetrySeconds},
		{"reset beyond the bound", "", at(maxRetrySeconds + 1), limitedRetrySeconds},
		{"reset now", "", at(0), limitedRetrySeconds},
		{"reset past", "", at(-30), limitedRetrySeconds},
		{"reset zero", "", "0", limitedRetrySeconds},
		{"reset in milliseconds", "", at(0) + "000", limitedRetrySeconds},
		{"reset too long for a number", "", strings.Repeat("9", 40), limitedRetrySeconds},
		{"reset not a number", "", "soon", limitedRetrySeconds},
		{"reset signed", "", "+" + at(5), limitedRetrySeconds},
		{"retry-after", "7", "", 7},
		{"retry-after wins", "7", at(20), 7},
		{"retry-after is bounded", "999999999", "", maxRetrySeconds},
		{"retry-after zero", "0", at(20), 20},
		{"retry-after negative", "-1", at(20), 20},
		{"retry-after as a date", "Mon, 23 Nov 2026 12:01:00 GMT", at(20), 20},
		{"retry-after blank", " ", "", limitedRetrySeconds},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := answered(429, "")
			if tt.retryAfter != "" {
				a.Headers = append(a.Headers, pipeline.Header{Name: "retry-after", Value: tt.retryAfter})
			}
			if tt.reset != "" {
				a.Headers = append(a.Headers, pipeline.Header{Name: "x-rate-limit-reset", Value: tt.reset})
			}
			v := judge(&a, start.UnixNano())
			want := fault.Denial{Reason: fault.IntrospectionRateLimited, RetryAfterSeconds: tt.want}
			if diff := cmp.Diff(want, v.denial); diff != "" || v.claims != nil {
				t.Errorf("denial (-want +got):\n%s", diff)
			}
		})
	}
}

package e2e

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// TestRateLimitHeaders: Envoy puts what the filter leaves in its filter state into
// responses of admitted requests, as filter/README.md shows it, and nothing where
// there is nothing. Refusals have both headers of their own.
func TestRateLimitHeaders(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{Module: wasmbuild.Package(t, "./filter"), Shared: true})
	format := func(name, attribute string) any {
		return map[string]any{"header": map[string]any{"key": name, "value": "%FILTER_STATE(wasm.sallyport." + attribute + ":PLAIN)%"}}
	}
	told := func(_, manager, _ map[string]any) {
		host := member(manager, "route_config", "virtual_hosts", 0).(map[string]any)
		host["response_headers_to_add"] = []any{format("ratelimit", "ratelimit"), format("ratelimit-policy", "ratelimit_policy")}
	}
	const (
		limits  = "- spike_arrest: {rate: 2pm, burst: 2}\n- concurrent_calls: {limit: 5}\n"
		policy  = `"2pm";q=2;w=60`
		atOnce  = `"concurrent-api";r=4`
		atOnceP = `"concurrent-api";q=5;qu="concurrent-requests"`
	)
	for _, tt := range []struct {
		name, sequence string
		want           [3][2]string // RateLimit and RateLimit-Policy of three requests
	}{
		{"gwtold", limits + "rate_limit_headers: {admitted: true}\n",
			[3][2]string{{`"2pm";r=1;t=30, ` + atOnce, policy + ", " + atOnceP}, {`"2pm";r=0;t=60, ` + atOnce, policy + ", " + atOnceP}, {`"2pm";r=0;t=30`, policy}}},
		{"gwuntold", limits, [3][2]string{{}, {}, {`"2pm";r=0;t=30`, policy}}},
	} {
		s.serve(plan{name: tt.name, config: policies(t, tt.sequence), change: told})
		begun := time.Now()
		for i, want := range tt.want {
			outcome := admitted
			if i == 2 {
				outcome.status, outcome.reason = 429, "spike_arrest.exceeded"
			}
			p := s.begin(tt.name, request("unused"))
			s.ends("a request", p, outcome)
			got := [2]string{scenario.HeaderValue(p.got.Headers, "ratelimit"), scenario.HeaderValue(p.got.Headers, "ratelimit-policy")}
			for j := range want {
				if !regexp.MustCompile("^(" + passing(want[j], time.Since(begun)) + ")$").MatchString(got[j]) {
					t.Errorf("%s, request %d: got %q, want %q", tt.name, i, got, want)
				}
			}
		}
	}
}

var secondsLeft = regexp.MustCompile(`t=(\d+)`)

// passing is a pattern for a header whose seconds may have become fewer in that time.
func passing(header string, elapsed time.Duration) string {
	return secondsLeft.ReplaceAllStringFunc(header, func(t string) string {
		most, _ := strconv.Atoi(t[2:])
		var any []string
		for n := most; n >= most-1-int(elapsed/time.Second); n-- {
			any = append(any, strconv.Itoa(n))
		}
		return "t=(" + strings.Join(any, "|") + ")"
	})
}

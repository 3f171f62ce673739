package introspection

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/breaker"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

// staleBench is a bench whose server has just said that the token is alice's, and
// whose answers go on being used for two minutes after the first.
func staleBench(change func(*Options)) *bench {
	b := newBench(func(o *Options) {
		o.StaleIfError = 2 * time.Minute
		if change != nil {
			change(o)
		}
	})
	b.arrive("abc")
	b.land(0, b.active("alice"))
	return b
}

// again lets a request come and, if it asks, the server answer.
func (b *bench) again(a host.Answer) *exchange {
	x := b.arrive("abc")
	if x.verdict == pipeline.Parked {
		b.land(len(b.air.calls)-1, a)
	}
	return x
}

func TestStaleAnswersAreUsedInAnOutage(t *testing.T) {
	for name, a := range map[string]host.Answer{
		"no host":       {Failure: host.NoHost},
		"unreachable":   {Failure: host.Unreachable},
		"timed out":     {Failure: host.TimedOut},
		"broken off":    {Failure: host.ResetMidAnswer},
		"not HTTP":      {Failure: host.NotHTTP},
		"429":           answered(429, ""),
		"500":           answered(500, ""),
		"404":           answered(404, ""),
		"302":           answered(302, ""),
		"not JSON":      answered(200, "<html>"),
		"no active":     answered(200, "{}"),
		"active a text": answered(200, `{"active":"true"}`),
	} {
		t.Run(name, func(t *testing.T) {
			b := staleBench(nil)
			b.now = b.now.Add(time.Minute)
			b.again(a).wantAdmitted(t, "alice")
			b.wantCalls(t, 2)
		})
	}
}

func TestStaleAnswersDoNotCoverUpWhatAnOperatorMustMend(t *testing.T) {
	for status, reason := range map[int]denial.Reason{
		400: denial.IntrospectionRejected, 401: denial.IntrospectionCredentialsRefused, 403: denial.IntrospectionForbidden,
	} {
		b := staleBench(nil)
		b.now = b.now.Add(time.Minute)
		b.again(answered(status, "")).wantDenied(t, denial.Denial{Reason: reason})
	}
	for body, reason := range map[string]denial.Reason{
		`{"active":true,"sub":7}`:             denial.IntrospectionClaimsInvalid,
		`{"active":true,"active":false}`:      denial.IntrospectionDuplicateMember,
		strings.Repeat(" ", MaxAnswerBytes+1): denial.IntrospectionTooLarge,
		`{"active":true,"a":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`: denial.IntrospectionTooDeep,
		`{"active":true,"scope":"` + manyWords(1000) + `"}`:                             denial.IntrospectionTooManyScopes,
	} {
		b := staleBench(nil)
		b.now = b.now.Add(time.Minute)
		b.again(answered(200, body)).wantDenied(t, denial.Denial{Reason: reason})
	}
	b := staleBench(nil)
	b.now = b.now.Add(time.Minute)
	b.air.refuse = host.UnknownCluster
	b.arrive("abc").wantDenied(t, denial.Denial{Reason: denial.IntrospectionUnknownCluster})
	b.air.refuse = host.NoHost
	b.arrive("abc").wantAdmitted(t, "alice")
}

func TestStaleAnswersAreUsedWhileNoCallIsMade(t *testing.T) {
	b := staleBench(func(o *Options) {
		o.Breaker = breaker.Breaker{Failures: 1, MinCalls: 1, FailurePercent: 100, Window: time.Second, OpenFor: time.Second, LongestOpen: time.Second}
	})
	b.now = b.now.Add(time.Minute)
	b.again(answered(500, "")).wantAdmitted(t, "alice")
	b.arrive("abc").wantAdmitted(t, "alice")
	b.arrive("other").wantDenied(t, denial.Denial{Reason: denial.IntrospectionCircuitOpen, RetryAfterSeconds: 1})
	b.wantCalls(t, 2)

	b = staleBench(func(o *Options) { o.MaxInFlight = 1 })
	b.now = b.now.Add(time.Minute)
	b.arrive("other").wantParked(t)
	b.arrive("abc").wantAdmitted(t, "alice")
	b.wantCalls(t, 2)
}

func TestStaleAnswersEnd(t *testing.T) {
	down := host.Answer{Failure: host.Unreachable}
	for _, tt := range []struct {
		name   string
		change func(*Options)
		at     time.Duration // after the answer
		usable bool
	}{
		{"just stale", nil, time.Minute, true},
		{"at the end of the grace", nil, 3*time.Minute - 1, true},
		{"after it", nil, 3 * time.Minute, false},
		{"at exp", func(o *Options) { o.StaleIfError = time.Hour }, 300*time.Second - 250*time.Millisecond - 1, true},
		{"after exp", func(o *Options) { o.StaleIfError = time.Hour }, 300*time.Second - 250*time.Millisecond, false},
		{"switched off", func(o *Options) { o.StaleIfError = 0 }, time.Minute, false},
		{"without a cache", func(o *Options) { o.CacheMaxTTL, o.CacheEntries = 0, 0 }, time.Second, false},
		{"the clock went back", nil, -time.Second, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := staleBench(tt.change)
			b.now = b.now.Add(tt.at)
			x := b.again(down)
			if tt.usable {
				x.wantAdmitted(t, "alice")
			} else {
				x.wantDenied(t, denialFor(denial.IntrospectionUnreachable))
			}
		})
	}
}

func TestARevokedTokenHasNoStaleAnswer(t *testing.T) {
	b := staleBench(nil)
	b.now = b.now.Add(time.Minute)
	b.again(answered(200, `{"active":false}`)).wantDenied(t, denial.Denial{Reason: denial.TokenInactive})
	b.again(answered(500, "")).wantDenied(t, denialFor(denial.IntrospectionServerError))
}

func TestAStaleAnswerStaysStale(t *testing.T) {
	b := staleBench(nil)
	b.now = b.now.Add(time.Minute)
	for calls := 2; calls < 5; calls++ {
		b.again(answered(500, "")).wantAdmitted(t, "alice")
		b.wantCalls(t, calls)
	}
	b.again(b.active("bob")).wantAdmitted(t, "bob")
	b.arrive("abc").wantAdmitted(t, "bob")
	b.wantCalls(t, 5)
}

func TestStaleAnswersAreMarked(t *testing.T) {
	b := staleBench(nil)
	b.now = b.now.Add(time.Minute)
	for range 10 {
		b.again(answered(500, ""))
	}
	b.now = b.now.Add(time.Second)
	b.again(answered(429, ""))
	if got := [2]int{b.counted[metricStale+"introspection.server_error|"], b.counted[metricStale+"introspection.rate_limited|"]}; got != [2]int{10, 1} {
		t.Errorf("counted %v", b.counted)
	}
	var lines []string
	for _, line := range b.lines {
		if strings.Contains(line, "stale") {
			lines = append(lines, line)
		}
	}
	if len(lines) != 2 || !strings.HasSuffix(lines[1], "10 since the last such line: introspection.rate_limited") {
		t.Errorf("lines %q", lines)
	}
}

// TestWhatAnotherVMTookBackIsNoStaleAnswer: the note that a token is not active is kept for a time only, and longer than
// that this VM's own copy of the answer.
func TestWhatAnotherVMTookBackIsNoStaleAnswer(t *testing.T) {
	long := ""
	for i := range 100 {
		long += fmt.Sprintf("scope-%d ", i)
	}
	for name, scopes := range map[string]string{"shared": "s", "too long to be shared": long} {
		t.Run(name, func(t *testing.T) {
			store := memstore.New(nil)
			options := func(o *Options) {
				o.StaleIfError, o.NegativeTTL, o.SharedEntries = 10*time.Minute, 90*time.Second, 64
			}
			one, other := newBenchOn(store, host.NoPeers{}, 1, options), newBenchOn(store, host.NoPeers{}, 2, options)
			pass := func(d time.Duration) { one.now, other.now = one.now.Add(d), other.now.Add(d) }
			one.arrive("abc")
			one.land(0, answered(200, fmt.Sprintf(`{"active":true,"sub":"alice","scope":%q,"exp":%d}`, scopes, one.now.Unix()+3600)))
			pass(time.Minute)
			one.again(answered(500, "")).wantAdmitted(t, "alice")
			other.again(answered(200, `{"active":false}`)).wantDenied(t, denial.Denial{Reason: denial.TokenInactive})
			pass(91 * time.Second)
			one.again(answered(500, "")).wantDenied(t, denialFor(denial.IntrospectionServerError))
		})
	}
}

// manyWords are n different ones with blanks between.
func manyWords(n int) string {
	words := make([]string, n)
	for i := range words {
		words[i] = "w" + strconv.Itoa(i)
	}
	return strings.Join(words, " ")
}

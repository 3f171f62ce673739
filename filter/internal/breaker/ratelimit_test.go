package breaker

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
)

func answer(headers map[string]string) *host.Answer {
	a := &host.Answer{Failure: host.NoFailure, Status: 429}
	for name, value := range headers {
		a.Headers = append(a.Headers, host.Header{Name: name, Value: value})
	}
	return a
}

func TestHold(t *testing.T) {
	at := func(offset time.Duration) string { return strconv.FormatInt(start.Add(offset).Unix(), 10) }
	tests := []struct {
		name, retryAfter, limit, reset string
		want                           time.Duration
	}{
		{"nothing is said", "", "", "", defaultHold},
		{"reset in a second", "", "1200", at(time.Second), time.Second},
		{"reset at the end of a window", "", "1200", at(time.Minute), time.Minute},
		{"reset at the bound", "", "1200", at(MaxHold), MaxHold},
		{"reset beyond the bound", "", "1200", at(MaxHold + time.Second), defaultHold},
		{"reset now", "", "1200", at(0), shortHold},
		{"reset just past", "", "1200", at(-time.Second), shortHold},
		{"reset long past", "", "1200", at(-clockSkew), defaultHold},
		{"reset zero", "", "1200", "0", defaultHold},
		{"reset in milliseconds", "", "1200", at(0) + "000", defaultHold},
		{"reset too long for a number", "", "1200", strings.Repeat("9", 40), defaultHold},
		{"reset not a number", "", "1200", "soon", defaultHold},
		{"reset signed", "", "1200", "+" + at(5*time.Second), defaultHold},
		{"reset without a limit", "", "", at(5 * time.Second), 5 * time.Second},
		{"concurrency limit", "", "0", at(time.Minute), shortHold},
		{"concurrency limit that says when", "4", "0", at(time.Minute), 4 * time.Second},
		{"retry-after", "7", "", "", 7 * time.Second},
		{"retry-after wins", "7", "1200", at(20 * time.Second), 7 * time.Second},
		{"retry-after is bounded", "999999999", "", "", MaxHold},
		{"retry-after zero", "0", "", at(20 * time.Second), 20 * time.Second},
		{"retry-after negative", "-1", "", at(20 * time.Second), 20 * time.Second},
		{"retry-after as a date", "Tue, 24 Nov 2026 12:01:00 GMT", "", at(20 * time.Second), 20 * time.Second},
		{"retry-after blank", " ", "", "", defaultHold},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			headers := map[string]string{}
			for name, value := range map[string]string{"retry-after": tt.retryAfter, "x-rate-limit-limit": tt.limit, "x-rate-limit-reset": tt.reset} {
				if value != "" {
					headers[name] = value
				}
			}
			if got := Hold(answer(headers), start.UnixNano()); got != tt.want {
				t.Errorf("hold %v, want %v", got, tt.want)
			}
		})
	}
}

func TestReadBudget(t *testing.T) {
	for _, tt := range []struct {
		name, limit, remaining string
		want                   budget
		ok, low                bool
	}{
		{"plenty", "1200", "1199", budget{1200, 1199}, true, false},
		{"low", "1200", "12", budget{1200, 12}, true, true},
		{"gone", "1200", "0", budget{1200, 0}, true, true},
		{"huge", strings.Repeat("9", 18), strings.Repeat("9", 18), budget{maxBudget, maxBudget}, true, false},
		{"concurrency", "0", "0", budget{}, false, false},
		{"no limit", "", "12", budget{}, false, false},
		{"no remaining", "1200", "", budget{}, false, false},
		{"garbage", "many", "few", budget{}, false, false},
		{"negative", "1200", "-3", budget{}, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, ok := readBudget(answer(map[string]string{"x-rate-limit-limit": tt.limit, "x-rate-limit-remaining": tt.remaining}))
			if b != tt.want || ok != tt.ok || ok && b.low() != tt.low {
				t.Errorf("%+v, %v, low %v", b, ok, b.low())
			}
		})
	}
}

func FuzzHold(f *testing.F) {
	f.Add("7", "1200", "1800000000", int64(1_800_000_000_000_000_000))
	f.Add("", "0", "-1", int64(0))
	f.Fuzz(func(t *testing.T, retryAfter, limit, reset string, now int64) {
		a := answer(map[string]string{"retry-after": retryAfter, "x-rate-limit-limit": limit, "x-rate-limit-remaining": limit, "x-rate-limit-reset": reset})
		if hold := Hold(a, now); hold < time.Second || hold > MaxHold || hold%time.Second != 0 {
			t.Errorf("hold %v", hold)
		}
		if b, ok := readBudget(a); ok && (b.limit < 1 || b.remaining < 0 || b.limit > maxBudget || b.remaining > maxBudget) {
			t.Errorf("budget %+v", b)
		}
	})
}

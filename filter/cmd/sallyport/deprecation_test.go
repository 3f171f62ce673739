package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/envoy-config/promtest"
)

const deprecationCatalog = `version: 1
apis:
- {name: customers, version: v1, base_path: /customers/v1, sequence: []}
- {name: customers, version: v2, base_path: /customers/v2, sequence: []}
products: [{name: portal, apis: [{name: customers}]}]
apps:
- {name: shop, developer: d@example.com, products: [portal], keys: []}
- {name: mobile app, developer: d@example.com, products: [portal], keys: []}
`

// history is a gateway's samples, one each few minutes, in OpenMetrics text. A series has nothing where the value is
// negative.
func history(from, until time.Time, series map[string]func(time.Time) float64) []byte {
	const step = 4 * time.Minute
	var b bytes.Buffer
	for _, family := range []string{"envoy_server_uptime", "sallyport_usage"} {
		fmt.Fprintf(&b, "# TYPE %s unknown\n", family)
		for name, value := range series {
			if !strings.HasPrefix(name, family) {
				continue
			}
			for at := from; at.Before(until); at = at.Add(step) {
				if v := value(at); v >= 0 {
					fmt.Fprintf(&b, "%s %g %d\n", name, v, at.Unix())
				}
			}
		}
	}
	b.WriteString("# EOF\n")
	return b.Bytes()
}

// TestDeprecation asks a real Prometheus with 40 days behind it whether customers/v1 may go.
func TestDeprecation(t *testing.T) {
	promtest.Need(t)
	binary := build(t)
	now := time.Now().Truncate(time.Second)
	ago := func(days float64) time.Time { return now.Add(-time.Duration(days * 24 * float64(time.Hour))) }
	const (
		uptime = `envoy_server_uptime{job="sallyport",instance="gw-1"}`
		v2     = `sallyport_usage{job="sallyport",instance="gw-1",decision="allow",app="shop",product="portal",api="customers",version="v2",class="2xx"}`
		shopV1 = `sallyport_usage{job="sallyport",instance="gw-1",decision="allow",app="shop",product="portal",api="customers",version="v1",class="2xx"}`
		appV1  = `sallyport_usage{job="sallyport",instance="gw-1",decision="allow",app="mobile%20app",product="portal",api="customers",version="v1",class="2xx"}`
		deniV1 = `sallyport_usage{job="sallyport",instance="gw-1",decision="deny",reason="token.inactive",app="mobile%20app",product="portal",api="customers",version="v1",class="4xx"}`
		strang = `sallyport_usage{job="sallyport",instance="gw-1",decision="deny",reason="api_key.missing",api="customers",version="v1",class="4xx"}`
		others = `sallyport_usage{job="sallyport",instance="gw-1",decision="allow",app="other",product="other",api="other",version="other",class="2xx"}`
	)
	upSince := func(t0 time.Time) func(time.Time) float64 {
		return func(at time.Time) float64 { return at.Sub(t0).Seconds() }
	}
	constant := func(v float64) func(time.Time) float64 { return func(time.Time) float64 { return v } }
	firstSeen := func(t0 time.Time, v float64) func(time.Time) float64 {
		return func(at time.Time) float64 {
			if at.Before(t0) {
				return -1
			}
			return v
		}
	}
	type series = map[string]func(time.Time) float64
	for _, tt := range []struct {
		name   string
		from   time.Time // of the history
		series series
		args   []string
		code   int
		want   string   // verdict
		says   []string // in the table
	}{
		{"nobody in the period", ago(40), series{uptime: upSince(ago(60)), v2: constant(7), shopV1: constant(1000), strang: constant(3)}, nil, 0, "safe to retire",
			[]string{"no app called it in the whole period", "mobile app  0"}},
		{"one call by one app, the first of its series", ago(40), series{uptime: upSince(ago(60)), shopV1: constant(1000), appV1: firstSeen(ago(3), 1)}, nil, 1, "in use",
			[]string{"app mobile app called it: 1 let through, 0 refused", "mobile app  1      0       0.03     rising"}},
		// A call in each of the 10,799 samples of the period, read in 31 queries: none is lost or counted twice where they meet.
		{"calls all the time", ago(40), series{uptime: upSince(ago(60)), shopV1: func(at time.Time) float64 { return at.Sub(ago(41)).Minutes() / 4 }}, nil, 1, "in use",
			[]string{"app shop called it: 10799 let through, 0 refused", "359.97   steady"}},
		{"one refused call by one app", ago(40), series{uptime: upSince(ago(60)), v2: constant(7), deniV1: firstSeen(ago(3), 1)}, nil, 1, "in use",
			[]string{"app mobile app called it: 0 let through, 1 refused"}},
		{"strangers alone", ago(40), series{uptime: upSince(ago(60)), v2: constant(7), strang: firstSeen(ago(3), 9)}, nil, 0, "safe to retire",
			[]string{"9 calls from unidentified callers were refused"}},
		{"Prometheus does not reach back", ago(10), series{uptime: upSince(ago(60)), v2: constant(7)}, nil, 1, "not known",
			[]string{"not seen: all gateways, ", "Prometheus knows nothing about any gateway"}},
		{"a shorter period", ago(10), series{uptime: upSince(ago(60)), v2: constant(7)}, []string{"--since", "9d"}, 0, "safe to retire", nil},
		{"restarted", ago(40), series{uptime: func(at time.Time) float64 {
			if at.Before(ago(5)) {
				return at.Sub(ago(60)).Seconds()
			}
			return at.Sub(ago(5)).Seconds()
		}, v2: constant(7)}, nil, 1, "not known", []string{"restarted: what was counted after the last scrape is lost"}},
		{"restarted, and that is put up with", ago(40), series{uptime: func(at time.Time) float64 {
			if at.Before(ago(5)) {
				return at.Sub(ago(60)).Seconds()
			}
			return at.Sub(ago(5)).Seconds()
		}, v2: constant(7)}, []string{"--tolerate", "5m"}, 0, "safe to retire", nil},
		{"no gateway", ago(40), series{`envoy_server_uptime{job="another",instance="x"}`: constant(7)}, nil, 1, "not known", []string{"no target has sallyport_usage"}},
		{"counted under other", ago(40), series{uptime: upSince(ago(60)), v2: constant(7), others: firstSeen(ago(3), 4)}, nil, 1, "not known",
			[]string{`4 calls were counted under "other"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data := t.TempDir()
			promtest.Backfill(t, data, history(tt.from, now, tt.series))
			url := promtest.Start(t, []byte("global: {}\n"), data)
			file := filepath.Join(t.TempDir(), "sallyport.yaml")
			if err := os.WriteFile(file, []byte(deprecationCatalog), 0o600); err != nil {
				t.Fatal(err)
			}
			args := append([]string{"usage", "deprecation", "--prometheus", url, "--api", "customers", "--version", "v1", "--file", file}, tt.args...)
			text, code := runs(t, binary, args...)
			if code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			for _, say := range tt.says {
				if !strings.Contains(text, say) {
					t.Errorf("does not say %q", say)
				}
			}
			t.Log("\n" + text)
			printed, _ := runs(t, binary, append(args, "--output", "json")...)
			var answer struct{ Verdict string }
			if err := json.Unmarshal([]byte(printed), &answer); err != nil || answer.Verdict != tt.want {
				t.Errorf("verdict %q (%v), want %q", answer.Verdict, err, tt.want)
			}
		})
	}
}

// runs answers what a command prints to its standard output, and its exit code.
func runs(t *testing.T, binary string, args ...string) (stdout string, code int) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), binary, args...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if len(exit.Stderr) > 0 {
			t.Logf("%s", exit.Stderr)
		}
		return string(out), exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return string(out), 0
}

package e2e

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// usageRow is a row of `sallyport usage --output json`.
type usageRow struct {
	App, Product, API, Version string
	Calls, Errors              uint64
	Denied                     map[string]uint64
	P50                        *float64 `json:"p50_ms"`
	LastSeen                   string   `json:"last_seen"`
}

// TestUsageAddsUp sends 5,000 requests of many kinds through two workers. The series in a real Prometheus, and what
// `sallyport usage` says of them, are what the sender counted, each one.
func TestUsageAddsUp(t *testing.T) {
	t.Parallel()
	const requests = 5000
	o := newObserved(t)
	o.until(t, "prometheus scrapes", func() (bool, error) {
		found, err := o.query(t.Context(), `up == 1`)
		return len(found) > 0, err
	})
	begun := time.Now()
	sent := o.load(t, requests)
	took := time.Since(begun)
	o.until(t, "prometheus has all", func() (bool, error) {
		found, err := o.query(t.Context(), `sum(sallyport_usage)`)
		return len(found) == 1 && found[0].Value[1] == strconv.Itoa(requests), err
	})

	var allowed uint64
	for c, n := range sent {
		if c.Reason == "" {
			allowed += n
		}
	}
	o.until(t, "envoy has flushed its histograms, too", func() (bool, error) {
		found, err := o.query(t.Context(), `sum(sallyport_latency_ms_count)`)
		return len(found) == 1 && found[0].Value[1] == strconv.FormatUint(allowed, 10), err
	})

	series, err := o.query(t.Context(), `sum by (app, product, api, version, reason, class) (sallyport_usage)`)
	if err != nil {
		t.Fatal(err)
	}
	recorded := map[called]uint64{}
	for _, s := range series {
		m := s.Metric
		n, err := strconv.ParseUint(s.Value[1].(string), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		recorded[called{m["app"], m["product"], m["api"], m["version"], m["reason"], m["class"]}] = n
	}
	if diff := cmp.Diff(sent, recorded); diff != "" {
		t.Errorf("series (-sent +recorded):\n%s", diff)
	}

	root, err := wasmbuild.Root()
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "sallyport")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./filter/cmd/sallyport")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := rowsOf(sent)
	for _, source := range [][]string{{"--prometheus", o.prometheus, "--since", "1h"}, {"--prometheus", o.prometheus, "--job", "sallyport"}, {"--envoy", o.envoy.Admin()}} {
		t.Run(strings.Join(source, " "), func(t *testing.T) {
			rows := usageRows(t, binary, source...)
			if diff := cmp.Diff(want, rows); diff != "" {
				t.Errorf("sallyport usage (-sent +said):\n%s", diff)
			}
		})
	}
	table, err := exec.CommandContext(t.Context(), binary, "usage", "--prometheus", o.prometheus).Output()
	t.Logf("%d requests in %v, %d kinds: %v\n%s", requests, took.Round(time.Millisecond), len(sent), err, table)
}

// rowsOf is what usage must say of these calls.
func rowsOf(sent map[called]uint64) map[called]usageRow {
	rows := map[called]usageRow{}
	for c, n := range sent {
		party := called{App: c.App, Product: c.Product, API: c.API, Version: c.Version}
		row := rows[party]
		if row.Denied == nil {
			row = usageRow{App: c.App, Product: c.Product, API: c.API, Version: c.Version, Denied: map[string]uint64{}}
		}
		switch {
		case c.Reason != "":
			row.Denied[c.Reason] += n
		case c.Class == "5xx":
			row.Errors += n
			fallthrough
		default:
			row.Calls += n
		}
		rows[party] = row
	}
	return rows
}

// usageRows runs the command. It checks what has no exact value here, and leaves it out.
func usageRows(t *testing.T, binary string, source ...string) map[called]usageRow {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), binary, append([]string{"usage", "--output", "json"}, source...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	var report struct{ Rows []usageRow }
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatal(err)
	}
	rows := map[called]usageRow{}
	for _, r := range report.Rows {
		if (r.P50 != nil) != (r.Calls > 0) || (r.LastSeen != "") != slices.Contains(source, "--prometheus") {
			t.Errorf("p50 %v and last seen %q of %d calls", r.P50, r.LastSeen, r.Calls)
		}
		r.P50, r.LastSeen = nil, ""
		rows[called{App: r.App, Product: r.Product, API: r.API, Version: r.Version}] = r
	}
	return rows
}

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/sallyport-gateway/sallyport/envoy-config/promtest"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// withoutData are the panels, and the metrics of alerts, that rightly have no data after the load, each with the reason.
var withoutData = map[string]string{
	"Calls with expired keys":        "no key of the load expires",
	"Keys about to expire":           "the operator's command line tells it, not the gateway",
	"sallyport_key_expires_seconds":  "as the panel",
	"Quota engine: calls by outcome": "the load has a quota without an engine",
	"sallyport_panics":               "the filter makes the counter with its first panic",
}

// board is what this test reads of the dashboard.
type board struct {
	Panels []struct {
		Title   string
		Targets []struct{ Expr string }
	}
	Templating struct {
		List []struct{ Name string }
	}
}

// ruleFile is what this test reads of the rules.
type ruleFile struct {
	Groups []struct {
		Rules []struct{ Record, Alert, Expr string }
	}
}

// TestObservability asks a real Prometheus, fed by the shipped Envoy under load, each query of the dashboard and of the
// rules: all can be parsed, and all have data, but for those of withoutData.
func TestObservability(t *testing.T) {
	t.Parallel()
	var dashboard board
	readShipped(t, "dashboard.json", func(text []byte) error { return json.Unmarshal(text, &dashboard) })
	var rules ruleFile
	readShipped(t, "sallyport.rules.yml", func(text []byte) error { return yaml.Unmarshal(text, &rules) })

	o := newObserved(t)
	// Envoy flushes histograms each 5 s, and a rate needs two scrapes that differ.
	o.until(t, "rates are known, with more load each time", func() (bool, error) {
		o.load(t, 2*len(mix))
		found, err := o.query(t.Context(), `sallyport:added_us:p95_5m > 0 and on() histogram_quantile(0.95, sum by (le) (rate(sallyport_introspection_latency_bucket[1m]))) > 0`)
		return len(found) > 0, err
	})
	for _, panel := range dashboard.Panels {
		t.Run(panel.Title, func(t *testing.T) {
			for _, target := range panel.Targets {
				o.wantData(t, panel.Title, dashboard.filled(t, target.Expr))
			}
		})
	}
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			t.Run(rule.Record+rule.Alert, func(t *testing.T) {
				if rule.Record != "" {
					o.wantData(t, rule.Record, rule.Record)
					return
				}
				// An alert has no data as long as all is well; what it looks at must be there.
				if _, err := o.query(t.Context(), rule.Expr); err != nil {
					t.Error(err)
				}
				for _, metric := range metricNames.FindAllString(rule.Expr, -1) {
					o.wantData(t, metric, "count("+metric+")")
				}
			})
		}
	}
}

var (
	metricNames = regexp.MustCompile(`\b(sallyport_\w+|up\b)`)
	variable    = regexp.MustCompile(`\$\w+`)
)

// filled is a panel's query as Grafana sends it, with all apps, APIs and versions chosen.
func (b board) filled(t *testing.T, expr string) string {
	return variable.ReplaceAllStringFunc(expr, func(name string) string {
		switch name {
		case "$__rate_interval":
			return "1m"
		case "$rate":
			return "200"
		}
		for _, v := range b.Templating.List {
			if "$"+v.Name == name {
				return ".*"
			}
		}
		t.Errorf("%s is not a variable of the dashboard", name)
		return name
	})
}

// wantData wants at least one sample that is a number, or none where withoutData says so.
func (o *observed) wantData(t *testing.T, name, promQL string) {
	t.Helper()
	found, err := o.query(t.Context(), promQL)
	if err != nil {
		t.Error(err)
		return
	}
	numbers := 0
	for _, s := range found {
		if s.Value[1] != "NaN" {
			numbers++
		}
	}
	if why, ok := withoutData[name]; ok != (numbers == 0) {
		t.Errorf("%s has %d samples (none, as %q): %s", name, numbers, why, promQL)
	}
}

func readShipped(t *testing.T, name string, decode func([]byte) error) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(observabilityFolder(t), name))
	if err == nil {
		err = decode(text)
	}
	if err != nil {
		t.Fatalf("read %s: %v", name, err)
	}
}

func observabilityFolder(t *testing.T) string {
	t.Helper()
	root, err := wasmbuild.Root()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(root, "envoy-config", "observability")
}

// TestObservabilityRules runs promtool's tests of the alerts, and wants each alert and panel to be in the README.
func TestObservabilityRules(t *testing.T) {
	t.Parallel()
	promtest.Need(t)
	folder := observabilityFolder(t)
	promtest.Promtool(t, "check", "config", filepath.Join(folder, "prometheus.yml"))
	promtest.Promtool(t, "test", "rules", filepath.Join(folder, "sallyport.test.yml"))
	readme, err := os.ReadFile(filepath.Join(folder, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	tests, err := os.ReadFile(filepath.Join(folder, "sallyport.test.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var dashboard board
	readShipped(t, "dashboard.json", func(text []byte) error { return json.Unmarshal(text, &dashboard) })
	var rules ruleFile
	readShipped(t, "sallyport.rules.yml", func(text []byte) error { return yaml.Unmarshal(text, &rules) })
	for _, panel := range dashboard.Panels {
		if !strings.Contains(string(readme), "| "+panel.Title+" |") {
			t.Errorf("the README does not tell about the panel %q", panel.Title)
		}
	}
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			if rule.Alert == "" {
				continue
			}
			if !strings.Contains(string(readme), "| `"+rule.Alert+"` |") {
				t.Errorf("the README does not tell about the alert %s", rule.Alert)
			}
			for _, says := range []string{" fires\n", " is silent\n"} {
				if !strings.Contains(string(tests), "- name: "+rule.Alert+says) {
					t.Errorf("no test in which %s%s", rule.Alert, says)
				}
			}
		}
	}
}

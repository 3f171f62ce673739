// Package schema holds the shipped dashboard against Grafana's own types, in a
// module of its own: they take a minute to compile.
package schema

import (
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

const shipped = "../dashboard.json"

// check reads a dashboard strictly: no member may be unknown, missing or of
// another type. Queries are not looked into: TestObservability asks a real
// Prometheus each of them.
func check(t *testing.T, text []byte) (dashboard.Dashboard, error) {
	t.Helper()
	plugins.RegisterDefaultPlugins()
	var d dashboard.Dashboard
	// A strict reading that went well returns an empty list as its error.
	var problems cog.BuildErrors
	if err := d.UnmarshalJSONStrict(text); err != nil && (!errors.As(err, &problems) || len(problems) > 0) {
		return d, err
	}
	return d, d.Validate()
}

func TestDashboardSchema(t *testing.T) {
	text, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	d, err := check(t, text)
	if err != nil {
		t.Error(err)
	}
	if len(d.Panels) == 0 {
		t.Error("the dashboard has no panels")
	}
	t.Logf("%d panels", len(d.Panels))
}

// TestDashboardSchemaFindsMistakes holds the check against a dashboard with one.
func TestDashboardSchemaFindsMistakes(t *testing.T) {
	text, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(map[string]any){
		"a member of no meaning": func(d map[string]any) { d["titel"] = "x" },
		"a wrong type":           func(d map[string]any) { d["title"] = 1 },
		"a panel's wrong type":   func(d map[string]any) { d["panels"].([]any)[0].(map[string]any)["gridPos"] = "left" },
		"a unit that is not text": func(d map[string]any) {
			d["panels"].([]any)[0].(map[string]any)["fieldConfig"] = map[string]any{"defaults": map[string]any{"unit": 1}, "overrides": []any{}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			var d map[string]any
			if err := json.Unmarshal(text, &d); err != nil {
				t.Fatal(err)
			}
			spoil(d)
			spoilt, err := json.Marshal(d)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := check(t, spoilt); err == nil {
				t.Error("it was not found")
			}
		})
	}
}

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// TestCardinalityOnEnvoy: new apps come with new configurations, and calls through two workers. The bound on their series
// is one for all of them, and every call is counted.
func TestCardinalityOnEnvoy(t *testing.T) {
	t.Parallel()
	const most, configurations, calls = 5, 4, 8
	s := newSite(t, siteOptions{Module: wasmbuild.Package(t, "./filter"), Concurrency: 2})
	for generation := range configurations {
		config := strings.Replace(string(policies(t, keyAlone)), `"name":"portal-app"`, fmt.Sprintf(`"name":"app-%d"`, generation), 1)
		config = strings.Replace(config, `"version":1}`, fmt.Sprintf(`"usage":{"max_series":%d},"version":1}`, most), 1)
		s.serve(plan{name: "gw", vm: "one", config: []byte(config), change: func(listener, _, _ map[string]any) {
			listener["connection_balance_config"] = map[string]any{"exact_balance": map[string]any{}}
		}})
		for range calls {
			s.do("a call", "gw", request("token"), admitted)
		}
	}
	s.settled()

	var counted, others uint64
	for name, value := range s.reported() {
		if strings.HasPrefix(name, metricPrefix+"sallyport_usage.") {
			counted += value
			if strings.Contains(name, "sp_app=other|") {
				others += value
			}
		}
	}
	page, err := s.envoy.Get(t.Context(), "/stats?filter=sallyport_") // in this form it names the histograms too
	if err != nil {
		t.Fatal(err)
	}
	var series []string
	for line := range strings.Lines(string(page)) {
		if strings.Contains(line, "sp_app=app-") || strings.Contains(line, "sp_key=") {
			series = append(series, line)
		}
	}
	t.Logf("%d configurations with an app each, %d calls: %d series of the catalogs, %d calls under other", configurations, counted, len(series), others)
	if len(series) != most || counted != configurations*calls || others == 0 {
		t.Errorf("series %q, want %d; %d calls counted, want %d", series, most, counted, configurations*calls)
	}
}

package e2e

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun/envoytest"
)

// TestUsageOfTheShippedConfig: the access log names who called what, as far as it was known, and so do the labels that
// Prometheus reads.
func TestUsageOfTheShippedConfig(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := envoytest.Start(t, withEnvoy(t, w.options(t)))
	client := w.client(t, p)
	for _, tt := range []struct {
		name   string
		target string
		change func(*http.Request)
		status int
		log    map[string]any
		labels map[string]string
	}{
		{"admitted", order, nil, http.StatusOK,
			map[string]any{"decision": "allow", "reason": nil, "app": "global-customer-portal", "product": "portal", "api": "customers", "version": "v1", "key": "k-1",
				"subject": "8c87b489ce35cf2e"}, // printf %s jane@example.com | sha256sum | cut -c1-16
			map[string]string{"decision": "allow", "app": "global-customer-portal", "product": "portal", "api": "customers", "version": "v1", "class": "2xx"}},
		{"refused for its token", order, func(r *http.Request) { r.Header.Set("authorization", "Bearer another") }, http.StatusUnauthorized,
			map[string]any{"decision": "deny", "reason": "token.inactive", "app": "global-customer-portal", "product": "portal", "api": "customers", "version": "v1", "key": "k-1", "subject": nil},
			map[string]string{"decision": "deny", "reason": "token.inactive", "app": "global-customer-portal", "product": "portal", "api": "customers", "version": "v1", "class": "4xx"}},
		{"refused for its key", order, func(r *http.Request) { r.Header.Set("x-api-key", "another") }, http.StatusUnauthorized,
			map[string]any{"decision": "deny", "reason": "api_key.unknown", "app": nil, "product": nil, "api": "customers", "version": "v1", "key": nil, "subject": nil},
			map[string]string{"decision": "deny", "reason": "api_key.unknown", "api": "customers", "version": "v1", "class": "4xx"}},
		{"refused for its path", "/elsewhere", nil, http.StatusNotFound,
			map[string]any{"decision": "deny", "reason": "api.unknown", "app": nil, "product": nil, "api": nil, "version": nil, "key": nil, "subject": nil},
			map[string]string{"decision": "deny", "reason": "api.unknown", "class": "4xx"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := p.Output().Len()
			if status, reason, _ := get(t, client, tt.target, tt.change); status != tt.status {
				t.Fatalf("status %d (%s), want %d", status, reason, tt.status)
			}
			line, err := p.Output().Wait(t.Context(), before, func(envoyrun.Line) bool { return true })
			if err != nil {
				t.Fatal(err)
			}
			var entry map[string]any
			if err := json.Unmarshal([]byte(line.Text), &entry); err != nil {
				t.Fatalf("access log line is no JSON: %v\n%s", err, line.Text)
			}
			got := map[string]any{}
			for name := range tt.log {
				got[name] = entry[name]
			}
			if diff := cmp.Diff(tt.log, got); diff != "" {
				t.Errorf("access log (-want +got):\n%s", diff)
			}
			wantLabels(t, p, "sallyport_usage", tt.labels)
		})
	}
	called := map[string]string{"app": "global-customer-portal", "product": "portal", "api": "customers", "version": "v1"}
	wantLabels(t, p, "sallyport_latency_ms", called)
	wantLabels(t, p, "sallyport_added_us", map[string]string{})
	wantLabels(t, p, "sallyport_key_last_used_seconds", map[string]string{"key": "k-1"})
}

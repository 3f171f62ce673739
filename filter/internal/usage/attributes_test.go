package usage

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
)

func TestDescribe(t *testing.T) {
	every := []Attribute{App, Product, API, Version, Key, Decision, Reason, Subject}
	tests := []struct {
		name    string
		chosen  []Attribute
		verdict Facts
		want    map[string]string
	}{
		{"allowed", every, Facts{Allowed: true, Reason: denial.TokenInactive, Party: jane, KeyID: "k-1", Subject: "jane@example.com"}, map[string]string{
			"sallyport.app": "shop", "sallyport.product": "gold", "sallyport.api": "orders", "sallyport.version": "v1", "sallyport.key": "k-1",
			// printf %s jane@example.com | sha256sum | cut -c1-16
			"sallyport.decision": "allow", "sallyport.subject": "8c87b489ce35cf2e",
		}},
		{"refused before anything was known", every, Facts{Reason: denial.APIUnknown}, map[string]string{
			"sallyport.decision": "deny", "sallyport.reason": "api.unknown",
		}},
		{"the zero value is a refusal", every, Facts{}, map[string]string{"sallyport.decision": "deny", "sallyport.reason": "internal.error"}},
		{"chosen", []Attribute{Key}, Facts{Allowed: true, Party: jane, KeyID: "k-1"}, map[string]string{"sallyport.key": "k-1"}},
		{"none chosen", nil, Facts{Allowed: true, Party: jane}, map[string]string{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := map[string]string{}
			for _, a := range tt.chosen {
				if name, value := tt.verdict.Describe(a); value != "" {
					got[name] = value
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("attributes (-want +got):\n%s", diff)
			}
		})
	}
}

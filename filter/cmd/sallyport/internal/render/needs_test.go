package render

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

func TestNeeds(t *testing.T) {
	for name, test := range map[string]struct {
		sequence  string
		callees   []Callee
		variables []string
		err       string
	}{
		"nobody is called": {sequence: `[{verify_api_key: {from: [{header: x}]}}]`},
		"one server": {
			sequence:  `[{introspect_token: {cluster: okta, authority: a.example, client_secret: {env: B}}}]`,
			callees:   []Callee{{"okta", "a.example"}},
			variables: []string{"B"},
		},
		"keys of another server": {
			sequence: `[{introspect_token: {cluster: okta, authority: a.example, private_key: {key: {env: K}}, client_secret: {env: A},
				precheck: {mode: jwt_then_introspect, jwks: {path: /k, cluster: keys, authority: "k.example:8443"}}}}]`,
			callees:   []Callee{{"keys", "k.example:8443"}, {"okta", "a.example"}},
			variables: []string{"A", "K"},
		},
		"keys alone": {
			sequence: `[{introspect_token: {cluster: okta, authority: a.example, precheck: {mode: jwt_only, jwks: {path: /k}}}}]`,
			callees:  []Callee{{"okta", "a.example"}},
		},
		"one cluster for two servers": {
			sequence: `[{introspect_token: {cluster: okta, authority: a.example}}, {introspect_token: {cluster: okta, authority: b.example}}]`,
			err:      `the cluster "okta" is for `,
		},
	} {
		t.Run(name, func(t *testing.T) {
			config, err := yaml.YAMLToJSON([]byte("apis: [{sequence: " + test.sequence + "}]"))
			if err != nil {
				t.Fatal(err)
			}
			got, err := readNeeds(config)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("error %v, want %s", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.callees, got.callees); diff != "" {
				t.Errorf("callees (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(strings.Join(test.variables, " "), strings.Join(got.variables, " ")); diff != "" {
				t.Errorf("variables (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCalleeAddress(t *testing.T) {
	for authority, want := range map[string][2]string{
		"a.example": {"a.example", "443"}, "a.example:8443": {"a.example", "8443"},
		"[2001:db8::1]": {"2001:db8::1", "443"}, "[2001:db8::1]:8443": {"2001:db8::1", "8443"},
	} {
		if host, port := (Callee{Authority: authority}).address(Server); host != want[0] || port != want[1] {
			t.Errorf("%s: %s, %s", authority, host, port)
		}
	}
}

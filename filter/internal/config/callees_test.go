package config

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
)

// TestCallees: each kind of step says which clusters it calls, and where the
// configuration names them.
func TestCallees(t *testing.T) {
	const document = `
sequence:
- spike_arrest: {rate: 10ps}
- introspect_token: {cluster: okta, authority: okta.example, path: /i, precheck: {mode: jwt_then_introspect, jwks: {path: /k, cluster: keys, authority: "k.example:8443"}}}
- quota: {per: api, limit: 5, interval: day, mode: exact, engine: {cluster: counts}}
apis:
- {name: a}
- name: b
  sequence:
  - verify_jwt: {enabled: false, jwks: {cluster: keys, authority: k.example, path: /k}}
  - introspect_token: {cluster: okta, authority: okta.example, precheck: {mode: jwt_only, jwks: {path: /k}}}
  - introspect_token: {cluster: okta, authority: okta.example, precheck: {mode: introspect, jwks: {cluster: unused, authority: k, path: /k}}}
  - quota: {per: api, limit: 5, interval: day}
`
	type named struct {
		Path, Cluster, Authority string
		GRPC, Off                bool
	}
	want := []named{
		{"sequence[1].introspect_token.cluster", "okta", "okta.example", false, false},
		{"sequence[1].introspect_token.precheck.jwks.cluster", "keys", "k.example:8443", false, false},
		{"sequence[2].quota.engine.cluster", "counts", "", true, false},
		{"apis[1].sequence[0].verify_jwt.jwks.cluster", "keys", "k.example", false, true},
		{"apis[1].sequence[1].introspect_token.cluster", "okta", "okta.example", false, false},
		{"apis[1].sequence[2].introspect_token.cluster", "okta", "okta.example", false, false},
	}
	var root any
	if err := yaml.Unmarshal([]byte(document), &root); err != nil {
		t.Fatal(err)
	}
	var got []named
	for _, c := range Callees(root) {
		got = append(got, named{c.Path, c.Cluster, c.Authority, c.GRPC, c.Off})
		c.Rename("renamed-" + c.Cluster)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("callees (-want +got):\n%s", diff)
	}
	renamed := Callees(root)
	if len(renamed) != len(want) || renamed[1].Cluster != "renamed-keys" || renamed[2].Cluster != "renamed-counts" {
		t.Errorf("renamed: %+v", renamed)
	}
}

// TestEveryClusterHasACallee: a kind of step whose options can name a cluster
// tells of it, so that check and render know it.
func TestEveryClusterHasACallee(t *testing.T) {
	naming := 0
	for _, s := range steps {
		names := namesACluster(s.kind.(policy.Described).Schema())
		if _, tells := s.kind.(policy.Calling); tells != names {
			t.Errorf("%s: its options can name a cluster: %v; it tells of callees: %v", s.name, names, tells)
		}
		if names {
			naming++
		}
	}
	if naming < 3 {
		t.Errorf("%d kinds of steps name a cluster", naming)
	}
}

func namesACluster(s *decode.Schema) bool {
	if s == nil {
		return false
	}
	for name, member := range s.Properties {
		if name == "cluster" || namesACluster(member) {
			return true
		}
	}
	return namesACluster(s.Items) || slices.ContainsFunc(slices.Concat(s.AnyOf, s.AllOf), namesACluster)
}

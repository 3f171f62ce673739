package envoyconfig

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDeploymentChangesOnlyWhatItGives(t *testing.T) {
	untouched, err := Deployment{}.Bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	shipped, err := Parse().JSON()
	if err != nil {
		t.Fatal(err)
	}
	if string(untouched) != string(shipped) {
		t.Error("the zero Deployment changes envoy.yaml")
	}

	full := Deployment{
		Listen: "127.0.0.1:11", Admin: "127.0.0.1:12", Module: "m-1", PluginConfig: []byte(`{"version":1}`),
		Secrets: t.TempDir(), Watched: "w-1", Certificate: "c-1", Key: "k-1",
		Okta:    Upstream{Address: "okta.test:13", ServerName: "okta.test", CA: "ca-1"},
		Backend: Upstream{Address: "[::1]:14", ServerName: "backend.test", CA: "ca-2", Certificate: "c-2", Key: "k-2"},
	}
	out, err := full.Bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	doc := &Document{}
	if err := json.Unmarshal(out, &doc.root); err != nil {
		t.Fatal(err)
	}
	tls := Path{"transport_socket", "typed_config"}
	common := tls.Then("common_tls_context")
	endpoint := Path{"load_assignment", "endpoints", 0, "lb_endpoints", 0, "endpoint", "address", "socket_address"}
	for want, at := range map[string]Path{
		"m-1":           Wasm().Then("vm_config", "code", "local", "filename"),
		`{"version":1}`: Wasm().Then("configuration", "value"),
		"okta.test":     Cluster("okta").Then(endpoint...).Then("address"),
		"ca-1":          Cluster("okta").Then(common...).Then("validation_context", "trusted_ca", "filename"),
		"::1":           Cluster("backend").Then(endpoint...).Then("address"),
		"backend.test":  Cluster("backend").Then(common...).Then("validation_context", "match_typed_subject_alt_names", 0, "matcher", "exact"),
		"ca-2":          Cluster("backend").Then(common...).Then("validation_context", "trusted_ca", "filename"),
	} {
		if got := doc.Get(at); got != want {
			t.Errorf("%s is %v, want %s", at, got, want)
		}
	}
	if err := full.WriteSecrets(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		named Path // in envoy.yaml
		n     string
	}{"gateway": {secretOf(chain), "1"}, "backend-client": {secretOf(Cluster("backend")), "2"}} {
		path := filepath.Join(full.Secrets, name+".yaml")
		if got := doc.Get(want.named); got != path {
			t.Errorf("%s is %v, want %s", want.named, got, path)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		secret := &Document{}
		if err := json.Unmarshal(text, &secret.root); err != nil {
			t.Fatal(err)
		}
		at := Path{"resources", Named(name), "tls_certificate"}
		certificate, key, watched := secret.Get(at.Then("certificate_chain", "filename")), secret.Get(at.Then("private_key", "filename")), secret.Get(at.Then("watched_directory", "path"))
		if certificate != "c-"+want.n || key != "k-"+want.n || watched != "w-1" {
			t.Errorf("secret %s is %v, %v, watched in %v", name, certificate, key, watched)
		}
	}
	for _, name := range []string{"okta", "backend"} {
		if got := doc.Get(Cluster(name).Then(tls...).Then("sni")); got != name+".test" {
			t.Errorf("sni of %s is %v", name, got)
		}
	}
	if err := doc.Err(); err != nil {
		t.Error(err)
	}
}

func TestDeploymentRefusesABadAddress(t *testing.T) {
	for _, address := range []string{"nowhere", "127.0.0.1:x", "127.0.0.1:65536"} {
		if _, err := (Deployment{Listen: address}).Bootstrap(); err == nil || !strings.Contains(err.Error(), address) {
			t.Errorf("%s: got %v, want an error that names it", address, err)
		}
	}
}

func TestDocumentStopsAtTheFirstError(t *testing.T) {
	for _, c := range []struct {
		name string
		at   Path
		want string
	}{
		{"no such member", Path{"admin", "adress"}, "admin.adress does not exist"},
		{"no such index", Listener().Then("filter_chains", 1, "filters"), "static_resources.listeners[name=gateway].filter_chains[1] does not exist"},
		{"no such name", Cluster("oktaa").Then("type"), "static_resources.clusters[name=oktaa] does not exist"},
		{"through a scalar", Listener().Then("name", "x"), "static_resources.listeners[name=gateway].name.x does not exist"},
		{"no member at the end", Listener(), "static_resources.listeners[name=gateway] is not a member of a map"},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := Parse()
			doc.Set("new", c.at)
			doc.Delete(Path{"admin"}) // not done any more
			if err := doc.Err(); err == nil || !strings.HasSuffix(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if _, ok := doc.root.(map[string]any)["admin"]; !ok {
				t.Error("a change was made after the error")
			}
			if _, err := doc.JSON(); err == nil {
				t.Error("a broken document was encoded")
			}
		})
	}
}

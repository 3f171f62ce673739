package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/command"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun/envoytest"
	"github.com/sallyport-gateway/sallyport/hostsim/pki"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

const twoServers = `
version: 1
apis: [{name: a, version: v1, base_path: /a}]
sequence:
- introspect_token: {cluster: login, authority: login.example.com, path: /introspect, client_id: gw, client_secret: {env: LOGIN_SECRET}}
- introspect_token: {cluster: other, authority: "login.example.org:8443", path: /introspect, client_id: gw, client_secret: {env: OTHER_SECRET}}
`

// TestRenderValidatesOnEnvoy: what is rendered, the real Envoy accepts, with the filter and its environment.
func TestRenderValidatesOnEnvoy(t *testing.T) {
	binary, dir := envoytest.Find(t), t.TempDir()
	ca, err := pki.NewCA("Test", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	authorities := write("ca.pem", ca.CertPEM())
	if err := (envoyconfig.Deployment{Secrets: dir}).WriteSecrets(); err != nil {
		t.Fatal(err)
	}
	var out, problems bytes.Buffer
	code := command.Main([]string{
		"render", "--for", "envoy", "--file", write("sallyport.yaml", []byte(twoServers)), "--backend", "127.0.0.1:8443",
		"--backend-ca", authorities, "--system-ca", authorities, "--module", wasmbuild.Package(t, "./filter"), "--secrets", dir, "--listen", "127.0.0.1:0",
	}, strings.NewReader(""), &out, &problems)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, &problems)
	}
	env := []string{"LOGIN_SECRET=one", "OTHER_SECRET=two"}
	log, err := envoyrun.Validate(t.Context(), envoyrun.Options{Binary: binary, Config: out.Bytes(), Env: env})
	if err != nil {
		t.Fatalf("%v: %s", err, envoyrun.Warnings(log))
	}
	_, err = envoyrun.Validate(t.Context(), envoyrun.Options{Binary: binary, Config: out.Bytes(), Env: env[:1]})
	if err == nil || !strings.Contains(err.Error(), "OTHER_SECRET") {
		t.Errorf("without one of the variables: %v", err)
	}
}

const placesOfAPIs = `
version: 1
apis:
- {name: orders, version: v1, base_path: /orders, hosts: ["*.shop.example", Shop.example]}
- {name: orders, version: v2, base_path: /orders/v2}
- {name: web, version: v1, base_path: /}
sequence:
- introspect_token: {cluster: login, authority: "127.0.0.1:18443", path: /introspect, client_id: gw, client_secret: {env: LOGIN_SECRET}}
`

// TestRenderFormsValidateOnEnvoy: several backends, addresses and plain listeners are what the real Envoy accepts.
func TestRenderFormsValidateOnEnvoy(t *testing.T) {
	binary, dir := envoytest.Find(t), t.TempDir()
	ca, err := pki.NewCA("Test", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	authorities, file := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "sallyport.yaml")
	if err := errors.Join(os.WriteFile(authorities, ca.CertPEM(), 0o600), os.WriteFile(file, []byte(placesOfAPIs), 0o600)); err != nil {
		t.Fatal(err)
	}
	var out, problems bytes.Buffer
	code := command.Main([]string{
		"render", "--for", "envoy", "--file", file, "--backend", "web.example:8443", "--backend", "web2.example:8443", "--backend", "orders=10.0.0.7:8443",
		"--backend", "orders/v2=[2001:db8::7]:8443", "--backend-tls", "tls", "--backend-ca", authorities, "--system-ca", authorities,
		"--module", wasmbuild.Package(t, "./filter"), "--listen", "127.0.0.1:0", "--listen-tls", "plain",
	}, strings.NewReader(""), &out, &problems)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, &problems)
	}
	log, err := envoyrun.Validate(t.Context(), envoyrun.Options{Binary: binary, Config: out.Bytes(), Env: []string{"LOGIN_SECRET=one"}})
	if err != nil {
		t.Fatalf("%v: %s", err, envoyrun.Warnings(log))
	}
}

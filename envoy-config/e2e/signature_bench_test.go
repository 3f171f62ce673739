package e2e

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun/envoytest"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/envoydriver"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/hostdriver"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// BenchmarkSignature is what one signature costs inside a compiled guest, made and checked by its own code and by the
// host's, on the simulated host and on a real Envoy. One request asks for all of them, so it costs next to nothing.
func BenchmarkSignature(b *testing.B) {
	path, err := wasmbuild.Build(b.Context(), "./filter/internal/jose/testdata/guest")
	if err != nil {
		b.Fatal(err)
	}
	module, err := hostsim.CompileFile(b.Context(), path, hostsim.CompileOptions{})
	if err != nil {
		b.Fatal(err)
	}
	envoy, err := envoydriver.NewDriver(b.Context(), envoydriver.Options{Module: path, RootID: "bench", Envoy: envoytest.Find(b)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = envoy.Close() })
	config := signingKeys(b)
	for _, d := range []scenario.Driver{hostdriver.New(module), envoy} {
		in, err := d.Start(b.Context(), scenario.Setup{Name: "signatures", Config: config, Upstream: scenario.DefaultUpstream()})
		if err != nil {
			b.Fatal(err)
		}
		for _, alg := range []string{"RS256", "ES256"} {
			for _, operation := range []string{"check", "check_by_host", "sign", "sign_by_host"} {
				b.Run(d.Name()+"/"+alg+"/"+operation, func(b *testing.B) {
					r := scenario.Request{Method: "GET", Target: fmt.Sprintf("/%s/%s/%d", alg, operation, b.N), Headers: []scenario.Header{{Name: "host", Value: "a"}}}
					result, err := in.Do(b.Context(), r)
					if err != nil || result.Response.Status != 200 {
						b.Fatalf("%d, %v", result.Response.Status, err)
					}
				})
			}
		}
		if err := in.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// signingKeys is the guest's configuration: a key of 2,048 bits and one on P-256.
func signingKeys(b *testing.B) []byte {
	b.Helper()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	keys := map[string]jose.JSONWebKey{}
	for alg, key := range map[string]crypto.Signer{"RS256": rsaKey, "ES256": ecKey} {
		keys[alg] = jose.JSONWebKey{Key: key, KeyID: "k1"}
	}
	config, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		b.Fatal(err)
	}
	return config
}

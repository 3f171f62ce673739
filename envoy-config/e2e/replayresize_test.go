package e2e

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// TestReplayResize: on a real Envoy, no proof is taken again after updates that change replay_entries, up and down.
func TestReplayResize(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jwk := jose.JSONWebKey{Key: key.Public()}
	sum, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	token := keyBoundPrefix + base64.RawURLEncoding.EncodeToString(sum)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"))
	if err != nil {
		t.Fatal(err)
	}
	next := 0
	proof := func() string {
		next++
		hash := sha256.Sum256([]byte(token))
		payload, err := json.Marshal(map[string]any{
			"jti": strconv.Itoa(next), "htm": "GET", "htu": "https://api.example.com/customers/v1/orders/7",
			"iat": json.RawMessage(fmt.Sprintf("%.3f", float64(time.Now().UnixMilli())/1000)),
			"ath": base64.RawURLEncoding.EncodeToString(hash[:]),
		})
		if err != nil {
			t.Fatal(err)
		}
		signed, err := signer.Sign(payload)
		if err != nil {
			t.Fatal(err)
		}
		text, err := signed.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	with := func(proof string) scenario.Request {
		r := request(token, "dpop", proof)
		for i := range r.Headers {
			if r.Headers[i].Name == "authorization" {
				r.Headers[i].Value = "DPoP " + token
			}
		}
		return r
	}
	s := newSite(t, siteOptions{Module: wasmbuild.Package(t, "./filter"), Concurrency: 2, Shared: true})
	replayed := outcome{status: 401, reason: "dpop.replayed"}
	var used []string
	unused := []string{proof(), proof(), proof(), proof()}
	for i, entries := range []int{16384, 1024, 65536, 1024} {
		config := policies(t, strings.Replace(fullSequence, "timeout: 10s", "timeout: 10s, dpop: {algorithms: [ES256], replay_entries: "+strconv.Itoa(entries)+"}", 1))
		s.serve(plan{name: "gw", vm: "resize", config: config})
		what := fmt.Sprintf("with replay_entries %d", entries)
		for _, p := range used {
			s.do("a used proof "+what, "gw", with(p), replayed)
		}
		for _, p := range []string{unused[i], proof()} {
			s.do("a new proof "+what, "gw", with(p), admitted)
			used = append(used, p)
		}
	}
}

package main_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sallyport-gateway/sallyport/filter/internal/jose/josetest"
	"github.com/sallyport-gateway/sallyport/hostsim"
)

// prover makes proofs with one key (RFC 9449 section 4.2).
type prover struct {
	key  *ecdsa.PrivateKey
	next int
}

func newProver(t testing.TB) *prover {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &prover{key: key}
}

func (p *prover) thumbprint(t testing.TB) string {
	t.Helper()
	jwk := jose.JSONWebKey{Key: p.key.Public()}
	sum, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

// proof is a new one for request(token).
func (p *prover) proof(t testing.TB, token string, issued time.Time) string {
	t.Helper()
	p.next++
	hash := sha256.Sum256([]byte(token))
	payload, err := json.Marshal(map[string]any{
		"jti": strconv.Itoa(p.next), "htm": "GET", "htu": "https://api.example.com/customers/v1/orders/7", "iat": issued.Unix(),
		"ath": base64.RawURLEncoding.EncodeToString(hash[:]),
	})
	if err != nil {
		t.Fatal(err)
	}
	o := (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt")
	return josetest.Sign(t, jose.SigningKey{Algorithm: jose.ES256, Key: p.key}, o, payload)
}

func proven(token, proof string) hostsim.Request {
	r := request(token, "dpop", proof)
	r.Headers[1].Value = "DPoP " + token
	return r
}

// TestReplayResize: no proof is taken twice whatever replay_entries becomes, in all workers, while the old configuration
// still drains, and back again; one that was not used is taken, before and after.
func TestReplayResize(t *testing.T) {
	sized := func(entries int) []byte {
		return configuration(t, strings.Replace(fullSequence, "timeout: 1s", "timeout: 1s, dpop: {algorithms: [ES256], replay_entries: "+strconv.Itoa(entries)+"}", 1))
	}
	p := newProver(t)
	g := start(t, module(t), sized(16384), hostsim.WithWorkers(2))
	answer := active()
	answer.Body = []byte(strings.Replace(string(answer.Body), `"active":true,"token_type":"Bearer"`, `"active":true,"token_type":"DPoP","cnf":{"jkt":"`+p.thumbprint(t)+`"}`, 1))
	g.okta.set(answer)
	replayed := outcome{status: 401, reason: "dpop.replayed"}
	var used []string
	unused := []string{}
	for range 6 {
		unused = append(unused, p.proof(t, "token", hostsim.DefaultStart))
	}
	play := func(what string, worker int, proof string, want outcome) {
		t.Helper()
		r := proven("token", proof)
		r.Worker = worker
		response, x := g.do(r)
		g.must(what, response, x, want)
	}
	use := func(what, proof string) {
		t.Helper()
		play(what, len(used)%2, proof, admitted)
		used = append(used, proof)
	}
	use("the first proof", p.proof(t, "token", hostsim.DefaultStart))
	for i, entries := range []int{1024, 65536, 1024, 16384, 8193} {
		g.update(sized(entries))
		if i%2 == 0 {
			g.Drain()
		}
		for _, proof := range used {
			for worker := range 2 {
				play("a used proof with replay_entries "+strconv.Itoa(entries), worker, proof, replayed)
			}
		}
		use("a proof of before the update", unused[i])
		use("a new proof", p.proof(t, "token", hostsim.DefaultStart))
	}
	t.Logf("%d proofs used over 5 updates, each tried again after every one", len(used))
}

package e2e

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/verbatim"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

const prechecked = `
- remove_api_key: {from: [{header: x-api-key}]}
- introspect_token:
    cluster: okta
    authority: dev.okta.com
    path: /v1/introspect
    client_id: gw
    client_secret: {env: OKTA_CLIENT_SECRET}
    cache: {max_ttl: 1h, entries: 1024}
    precheck: {mode: jwt_then_introspect, jwks: {path: ` + keysPath + `}, issuer: "https://dev.okta.com", audience: [api://default], opaque: deny}
- require_token: {scopes: [customers.read]}
`

// issuer signs tokens with one key.
type issuer struct {
	key    *rsa.PrivateKey
	keySet string
}

func newIssuer(t *testing.T, id string) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: id, Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	return &issuer{key: key, keySet: string(set)}
}

func (i *issuer) token(t *testing.T, id, subject string) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: i.key, KeyID: id}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(fmt.Appendf(nil, `{"iss":"https://dev.okta.com","aud":"api://default","sub":%q,"scp":["customers.read"],"exp":%d}`,
		subject, time.Now().Add(time.Hour).Unix()))
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// garbageOf is the n-th token that nobody has issued: all differ, some by very little from a good one.
func garbageOf(good, forged string, n int) string {
	part := strings.Split(good, ".")
	noise := make([]byte, 256)
	_, _ = rand.Read(noise)
	random := base64.RawURLEncoding.EncodeToString(noise)
	switch n % 6 {
	case 0:
		return random
	case 1:
		return random[:40] + "." + random[40:200] + "." + random
	case 2:
		return part[0] + "." + part[1] + "." + random // signed by nobody
	case 3:
		return part[0] + "." + random[:200] + "." + part[2]
	case 4:
		header := fmt.Appendf(nil, `{"alg":"RS256","kid":%q}`, random[:20]) // a key that is unknown
		return base64.RawURLEncoding.EncodeToString(header) + "." + part[1] + "." + part[2]
	}
	return forged // under the issuer's name, by another
}

// flood sends garbage over as many connections as there are clients, and fails the test for each that is not refused.
func flood(t *testing.T, url string, clients, tokens int, next func(n int) string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}, Timeout: patience}
	defer client.CloseIdleConnections()
	var wait sync.WaitGroup
	for c := range clients {
		wait.Go(func() {
			for n := c; n < tokens; n += clients {
				if status, err := getStatus(t.Context(), client, url, next(n)); status != http.StatusUnauthorized {
					t.Errorf("garbage token %d: %d, %v", n, status, err)
					return
				}
			}
		})
	}
	wait.Wait()
}

func getStatus(ctx context.Context, client *http.Client, url, token string) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	r.Host = "api.example.com"
	r.Header.Set("authorization", "Bearer "+token)
	response, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(response.Body, verbatim.MaxMessage))
	return response.StatusCode, err
}

// garbageRun floods an Envoy of two workers and reports its memory after a tenth of the tokens and after all.
func garbageRun(t *testing.T, tokens int, memory func(pid int) int) (early, late int) {
	t.Helper()
	s := newSite(t, siteOptions{Module: wasmbuild.Package(t, "./filter"), Concurrency: 2, Shared: true})
	okta, attacker := newIssuer(t, "k1"), newIssuer(t, "k1")
	s.authority.keySet = okta.keySet
	s.serve(plan{name: "gw", config: policies(t, prechecked)})
	address, err := s.envoy.Listener(t.Context(), "gw")
	if err != nil {
		t.Fatal(err)
	}
	good, forged := okta.token(t, "k1", "jane"), attacker.token(t, "k1", "jane")
	for range 16 { // both workers know it
		s.do("a good token", "gw", request(good), admitted)
	}
	introspections, fetches := s.authority.askedInAll()
	t.Logf("a good token on 2 workers: %d introspections, %d fetches of keys", introspections, fetches)

	begun, target := time.Now(), "http://"+address+"/customers/v1/orders/7"
	next := func(n int) string { return garbageOf(good, forged, n) }
	flood(t, target, 8, tokens/10, next)
	early = memory(s.envoy.PID())
	flood(t, target, 8, tokens-tokens/10, next)
	late = memory(s.envoy.PID())
	took := time.Since(begun)

	nowIntrospections, nowFetches := s.authority.askedInAll()
	t.Logf("%d garbage tokens in %s: %d introspections, %d fetches of keys", tokens, took.Round(time.Millisecond), nowIntrospections-introspections, nowFetches-fetches)
	if nowIntrospections != introspections {
		t.Errorf("garbage made %d introspections", nowIntrospections-introspections)
	}
	// One for an unknown key in 10 s, in each of two workers.
	if most := 2 * (int(took/(10*time.Second)) + 1); nowFetches-fetches > most {
		t.Errorf("garbage made %d fetches of keys, want %d at most", nowFetches-fetches, most)
	}
	for range 16 {
		s.do("the good token again", "gw", request(good), admitted)
	}
	if after, _ := s.authority.askedInAll(); after != introspections {
		t.Errorf("the good token lost its place in the cache")
	}
	s.settled()
	if s.t.Failed() {
		t.Log(envoyrun.Warnings(s.envoy.Log().Since(0)))
	}
	return early, late
}

// TestGarbageTokensOnEnvoy sends few; the soak test of the same name sends 200,000 and looks at Envoy's memory.
func TestGarbageTokensOnEnvoy(t *testing.T) {
	t.Parallel()
	garbageRun(t, 3000, func(int) int { return 0 })
}

package main_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/okta"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

const (
	// garbageTokens is how many are sent; the soak test sends 200,000 through Envoy.
	garbageTokens = 8_000
	// garbageGrowth is how much of the memory after half of them may come in addition until the last.
	garbageGrowth = 1.25

	prechecked = `
- introspect_token:
    cluster: okta
    authority: dev.okta.com
    path: /oauth2/default/v1/introspect
    client_id: gw
    client_secret: {env: OKTA_CLIENT_SECRET}
    precheck: {mode: jwt_then_introspect, jwks: {path: /oauth2/default/v1/keys}, issuer: "https://dev.okta.com/oauth2/default", audience: [api://default], opaque: deny}
- require_token: {scopes: [customers.read]}
`
)

// org is the simulated Okta as a cluster of the simulated host.
type org struct {
	*okta.Org
	now  time.Time
	keys int
}

func newOrg(t testing.TB) *org {
	t.Helper()
	o := &org{now: hostsim.DefaultStart}
	var err error
	o.Org, err = okta.New(okta.Config{
		Issuer: "https://dev.okta.com/oauth2/default", Scopes: []string{"customers.read"}, RateLimit: 1 << 20,
		Clients: []okta.Client{
			{ID: "gw", Secret: oktaSecret},
			{ID: "service", Secret: "secret-of-the-service", ClientCredentials: true, Scopes: []string{"customers.read"}},
		},
		Now: func() time.Time { return o.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *org) serve(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	o.Handler().ServeHTTP(w, r)
	return w
}

func (o *org) Answer(c upstream.Call) upstream.Answer {
	method, _ := c.Headers.Get(":method")
	path, _ := c.Headers.Get(":path")
	r := httptest.NewRequest(method, "https://dev.okta.com"+path, strings.NewReader(string(c.Body)))
	for _, h := range c.Headers {
		if !strings.HasPrefix(h.Name, ":") {
			r.Header.Set(h.Name, h.Value)
		}
	}
	if strings.HasSuffix(path, "/keys") {
		o.keys++
	}
	w := o.serve(r)
	a := upstream.Respond(w.Code, w.Body.String())
	for name := range w.Header() {
		a.Headers = append(a.Headers, abi.Header{Name: strings.ToLower(name), Value: w.Header().Get(name)})
	}
	return a
}

// token is a fresh access token of the service.
func (o *org) token(t testing.TB) string {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {"customers.read"}}
	r := httptest.NewRequest(http.MethodPost, "https://dev.okta.com/oauth2/default/v1/token", strings.NewReader(form.Encode()))
	r.Header.Set("content-type", "application/x-www-form-urlencoded")
	r.SetBasicAuth("service", "secret-of-the-service")
	w := o.serve(r)
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || answer.Token == "" {
		t.Fatalf("no token: %d %s", w.Code, w.Body)
	}
	return answer.Token
}

// garbage makes tokens that are nobody's, from noise to very nearly good ones.
type garbage struct {
	good   string // a token that is good
	random *mathrand.Rand
	key    *rsa.PrivateKey // the attacker's
}

func newGarbage(t testing.TB, good string) *garbage {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return &garbage{good: good, random: mathrand.New(mathrand.NewPCG(1, 2)), key: key}
}

func (g *garbage) bytes(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(g.random.Uint32())
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// next is the n-th token, and the reasons for which it may be refused.
func (g *garbage) next(n int) (token string, reasons []string) {
	part := strings.Split(g.good, ".")
	encode := base64.RawURLEncoding.EncodeToString
	switch n % 8 {
	case 0:
		return g.bytes(100), []string{"token.opaque"}
	case 1:
		return g.bytes(20) + "." + g.bytes(200) + "." + g.bytes(256), []string{"token.malformed"}
	case 2:
		return part[0] + "." + g.bytes(200) + "." + part[2], []string{"token.malformed"}
	case 3:
		return part[0] + "." + part[1] + "." + g.bytes(256), []string{"token.signature_invalid"}
	case 4:
		header := fmt.Sprintf(`{"alg":"none","kid":"%d"}`, n)
		return encode([]byte(header)) + "." + part[1] + "." + g.bytes(8), []string{"token.algorithm_refused"}
	case 5: // the attacker's own key, under a name that nobody has
		text := encode(fmt.Appendf(nil, `{"alg":"RS256","kid":"%d"}`, n)) + "." + part[1]
		return text + "." + g.sign(text), []string{"token.key_unknown"}
	case 6: // the same under the issuer's name for its key
		return part[0] + "." + part[1] + "." + g.sign(part[0]+"."+part[1]), []string{"token.signature_invalid"}
	}
	payload := fmt.Sprintf(`{"iss":"https://dev.okta.com/oauth2/default","aud":"api://default","exp":%d,"sub":"%d"}`, hostsim.DefaultStart.Unix()-1, n)
	return part[0] + "." + encode([]byte(payload)) + "." + part[2], []string{"token.expired"}
}

func (g *garbage) sign(text string) string {
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, g.key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(signature)
}

// TestGarbageTokensWithPrecheck: what Okta did not sign costs no call to Okta, no memory, and no good token its place.
func TestGarbageTokensWithPrecheck(t *testing.T) {
	o := newOrg(t)
	g := start(t, module(t), configuration(t, prechecked), hostsim.WithCluster("okta", o))
	good := o.token(t)
	r, x := g.do(request(good))
	g.must("a good token", r, x, admitted)
	calls, keys := o.IntrospectionCalls(), o.keys
	if calls != 1 || keys != 1 {
		t.Fatalf("a good token made %d introspections and %d fetches of keys", calls, keys)
	}

	trash, refused, early := newGarbage(t, good), map[string]int{}, 0
	for n := range garbageTokens {
		token, reasons := trash.next(n)
		r, x := g.do(request(token))
		got := outcomeOf(r, x)
		if got.status != 401 || got.backend || !slices.Contains(reasons, got.reason) {
			t.Fatalf("token %d: %+v, want 401 for %v", n, got, reasons)
		}
		refused[got.reason]++
		if n == garbageTokens/2 { // the heap has its size: its collector begins at 4 MiB
			early = slices.Max(g.GuestMemory())
		}
	}
	late := slices.Max(g.GuestMemory())
	t.Logf("%d garbage tokens, refused: %v", garbageTokens, refused)
	t.Logf("introspections for them: %d; fetches of keys: %d", o.IntrospectionCalls()-calls, o.keys-keys)
	t.Logf("memory of the guest: %d KiB after half of them, %d KiB after all", early>>10, late>>10)
	if made := o.IntrospectionCalls() - calls; made != 0 {
		t.Errorf("garbage made %d introspections", made)
	}
	if fetched := o.keys - keys; fetched > 1 { // the clock stands still: one for an unknown key
		t.Errorf("garbage made %d fetches of keys", fetched)
	}
	if float64(late) > garbageGrowth*float64(early) {
		t.Error("the guest grew")
	}
	r, x = g.do(request(good))
	g.must("the good token again", r, x, admitted)
	if made := o.IntrospectionCalls() - calls; made != 0 {
		t.Error("the good token lost its place in the cache")
	}
	r, x = g.do(request(o.token(t)))
	g.must("another good token", r, x, admitted)
}

package introspection

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/jose"
	"github.com/sallyport-gateway/sallyport/filter/internal/secret"
)

func privateKey(t *testing.T) *jose.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jose.ParsePrivateKey(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// form is a callout's body, and whether it has Basic credentials.
func form(t *testing.T, c host.Callout) (values url.Values, basic bool) {
	t.Helper()
	values, err := url.ParseQuery(string(c.Body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range c.Headers {
		basic = basic || h.Name == "authorization"
	}
	return values, basic
}

func TestClientAuth(t *testing.T) {
	const token = "the token"
	common := url.Values{"token": {token}, "token_type_hint": {"access_token"}}
	with := func(more ...string) url.Values {
		v := url.Values{}
		for name, values := range common {
			v[name] = values
		}
		for i := 0; i < len(more); i += 2 {
			v.Set(more[i], more[i+1])
		}
		return v
	}
	for _, tt := range []struct {
		name  string
		auth  ClientAuth
		id    string
		want  url.Values
		basic bool
	}{
		{"basic", AuthBasic, "gateway&x=1", with(), true},
		{"post", AuthPost, "gateway&x=1", with("client_id", "gateway&x=1", "client_secret", "s3cret&token=other"), false},
		{"none", AuthNone, "", with(), false},
		{"none, and who asks is told", AuthNone, "gateway", with("client_id", "gateway"), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRequest(Options{ClientID: tt.id, Secret: secret.New("s3cret&token=other"), ClientAuth: tt.auth}, host.Ports{})
			c, ok := r.callout(token, 0)
			values, basic := form(t, c)
			if diff := cmp.Diff(tt.want, values); diff != "" || !ok || basic != tt.basic {
				t.Errorf("ok %v, Basic credentials %v, body (-want +got):\n%s", ok, basic, diff)
			}
		})
	}
}

func TestAnUnknownClientAuthSendsNothing(t *testing.T) {
	r := newRequest(Options{ClientID: "gateway", ClientAuth: AuthNone + 1}, host.Ports{})
	if _, ok := r.callout("token", 0); ok {
		t.Error("a callout without credentials")
	}
}

// TestPrivateKeyJWT: the assertion says what RFC 7523 section 3 wants, its signature fits, and none comes twice.
func TestPrivateKeyJWT(t *testing.T) {
	key := privateKey(t)
	next := uint64(0)
	r := newRequest(Options{
		ClientID: `gate"way`, ClientAuth: AuthPrivateKeyJWT,
		Assertion: Assertion{Key: key, KeyID: "k1", Audience: "https://idp.example/introspect", TTL: time.Minute},
	}, host.Ports{Random: func() uint64 { next++; return next }})
	now := time.Unix(1_800_000_000, 5)
	seen := map[string]bool{}
	for range 3 {
		c, ok := r.callout("token", now.UnixNano())
		values, basic := form(t, c)
		if !ok || basic || values.Get("client_assertion_type") != assertionType || values.Get("client_id") != `gate"way` || values.Get("token") != "token" {
			t.Fatalf("ok %v, Basic credentials %v, body %v", ok, basic, values)
		}
		m, err := jose.Parse(values.Get("client_assertion"))
		if err != nil || !key.Public().Verify(m, nil) || m.Header.KeyID != "k1" {
			t.Fatalf("assertion %v, %+v", err, m)
		}
		var claims map[string]any
		if err := json.Unmarshal(m.Payload, &claims); err != nil {
			t.Fatal(err)
		}
		jti, _ := claims["jti"].(string)
		if jti == "" || seen[jti] {
			t.Errorf("jti %q, seen before: %v", jti, seen[jti])
		}
		seen[jti] = true
		delete(claims, "jti")
		want := map[string]any{"iss": `gate"way`, "sub": `gate"way`, "aud": "https://idp.example/introspect", "iat": 1_800_000_000.0, "exp": 1_800_000_060.0}
		if diff := cmp.Diff(want, claims); diff != "" {
			t.Errorf("claims (-want +got):\n%s", diff)
		}
	}
}

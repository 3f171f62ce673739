package introspection

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/jose"
	"github.com/sallyport-gateway/sallyport/filter/internal/jose/josetest"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/introspection/jwks"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

// signer is an issuer with one key.
type signer struct {
	key *ecdsa.PrivateKey
}

func newSigner(t testing.TB) *signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &signer{key}
}

func (s *signer) keys(t testing.TB) host.Answer {
	t.Helper()
	text, err := json.Marshal(gojose.JSONWebKeySet{Keys: []gojose.JSONWebKey{{Key: s.key.Public(), KeyID: "k1"}}})
	if err != nil {
		t.Fatal(err)
	}
	return answered(200, string(text))
}

func (s *signer) token(t testing.TB, payload string) string {
	t.Helper()
	return josetest.Sign(t, gojose.SigningKey{Algorithm: gojose.ES256, Key: gojose.JSONWebKey{Key: s.key, KeyID: "k1"}}, nil, []byte(payload))
}

// typed is token with a typ in its header, unless that is "".
func (s *signer) typed(t testing.TB, typ, payload string) string {
	t.Helper()
	o := &gojose.SignerOptions{}
	if typ != "" {
		o.WithType(gojose.ContentType(typ))
	}
	return josetest.Sign(t, gojose.SigningKey{Algorithm: gojose.ES256, Key: gojose.JSONWebKey{Key: s.key, KeyID: "k1"}}, o, []byte(payload))
}

func checked(skew time.Duration) *Precheck {
	return &Precheck{
		Keys:   jwks.Options{Cluster: "okta", Authority: "idp.example", Path: "/keys", Timeout: time.Second, Refresh: time.Hour, MaxAge: 24 * time.Hour},
		Issuer: "https://idp.example", Audience: []string{"a", "b"}, Algorithms: []jose.Algorithm{jose.ES256}, Skew: skew,
	}
}

func TestPrecheckClaims(t *testing.T) {
	const now = 1_800_000_000
	p := newPrecheck(*checked(30 * time.Second), host.Ports{Store: memstore.New(nil)})
	good := map[string]any{"iss": "https://idp.example", "aud": "a", "exp": now + 60, "sub": "jane"}
	for _, tt := range []struct {
		name   string
		change map[string]any
		want   denial.Reason // Internal: accepted
	}{
		{"good", nil, denial.Internal},
		{"one audience of several", map[string]any{"aud": []string{"x", "b"}}, denial.Internal},
		{"expired within the skew", map[string]any{"exp": now - 29}, denial.Internal},
		{"expired at the end of the skew", map[string]any{"exp": now - 30}, denial.TokenExpired},
		{"good later within the skew", map[string]any{"nbf": now + 30}, denial.Internal},
		{"good later", map[string]any{"nbf": now + 31}, denial.TokenNotYetValid},
		{"no exp", map[string]any{"exp": nil}, denial.TokenMalformed},
		{"exp 0", map[string]any{"exp": 0}, denial.TokenMalformed},
		{"exp as text", map[string]any{"exp": "1900000000"}, denial.TokenMalformed},
		{"exp with a fraction", map[string]any{"exp": 1900000000.5}, denial.Internal},
		{"no issuer", map[string]any{"iss": nil}, denial.TokenIssuerMismatch},
		{"issuer with a slash more", map[string]any{"iss": "https://idp.example/"}, denial.TokenIssuerMismatch},
		{"issuer in capitals", map[string]any{"iss": "https://IDP.example"}, denial.TokenIssuerMismatch},
		{"issuers", map[string]any{"iss": []string{"https://idp.example"}}, denial.TokenMalformed},
		{"no audience", map[string]any{"aud": nil}, denial.TokenAudienceMismatch},
		{"audience of nobody", map[string]any{"aud": []string{}}, denial.TokenAudienceMismatch},
		{"audience in capitals", map[string]any{"aud": "A"}, denial.TokenAudienceMismatch},
		{"cid that is no client", map[string]any{"cid": 7}, denial.TokenMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			claims := map[string]any{}
			for _, from := range []map[string]any{good, tt.change} {
				for name, v := range from {
					if claims[name] = v; v == nil {
						delete(claims, name)
					}
				}
			}
			payload, err := json.Marshal(claims)
			if err != nil {
				t.Fatal(err)
			}
			c, reason, ok := p.claims(&jose.Message{Header: jose.Header{Algorithm: jose.ES256}, Payload: payload}, now*int64(time.Second))
			if ok != (tt.want == denial.Internal) || reason != tt.want || ok && (c.Subject != "jane" || !c.Active) {
				t.Errorf("%v, %s, %+v", ok, reason, c)
			}
		})
	}
}

// TestPrecheckThenIntrospection: the wait for the keys and the wait for the answer are one after the other, and what
// waits for keys shares one introspection.
func TestPrecheckThenIntrospection(t *testing.T) {
	s := newSigner(t)
	b := newBench(func(o *Options) { o.Precheck = checked(0) })
	token := s.token(t, fmt.Sprintf(`{"iss":"https://idp.example","aud":"a","exp":%d}`, b.now.Unix()+300))
	var all []*exchange
	for range 3 {
		x := b.arriveTwice(token)
		if x.verdict != pipeline.Parked {
			t.Fatal(x.verdict)
		}
		all = append(all, x)
	}
	b.wantCalls(t, 1)
	b.land(0, s.keys(t))
	b.wantCalls(t, 2)
	b.land(1, b.active("jane"))
	for _, x := range all {
		if x.verdict != pipeline.Admitted || x.woken != 2 {
			t.Errorf("verdict %v, woken %d times", x.verdict, x.woken)
		}
	}
	b.arriveTwice(token).wantAdmitted(t, "jane")
	b.wantCalls(t, 2)

	other := newSigner(t).token(t, fmt.Sprintf(`{"iss":"https://idp.example","aud":"a","exp":%d}`, b.now.Unix()+300))
	b.arriveTwice(other).wantDenied(t, denial.Denial{Reason: denial.TokenSignatureInvalid})
	b.wantCalls(t, 2)
}

// arriveTwice is arrive for a step that may wait twice.
func (b *bench) arriveTwice(token string) *exchange {
	x := &exchange{Exchange: withAuthorization("", "Bearer "+token), run: b.seq.Begin()}
	var wake func()
	wake = func() {
		x.woken++
		x.verdict = x.run.Advance(x.Exchange, b.now.UnixNano(), wake)
	}
	x.verdict = x.run.Advance(x.Exchange, b.now.UnixNano(), wake)
	return x
}

func TestLocalStepRefusesWhatItCannotCheck(t *testing.T) {
	step := NewLocal(*checked(0), Binding{}, host.Ports{Store: memstore.New(nil)})
	for token, want := range map[string]denial.Reason{
		"opaque": denial.TokenOpaque, "a.b": denial.TokenOpaque, "a.b.c.d.e": denial.TokenOpaque, "a.b.c": denial.TokenMalformed,
	} {
		x := withAuthorization("", "Bearer "+token)
		x.Token = &pipeline.Claims{Active: true} // of an earlier step
		d, denied := step.Apply(x).Denial()
		if !denied || d.Reason != want || x.Token != nil {
			t.Errorf("%s: %v %s, token %v; want %s", token, denied, d.Reason, x.Token, want)
		}
	}
}

// FuzzPrecheck signs whatever payload comes: only one that is for this audience, of this issuer and in time passes, and
// its claims are those that were signed.
func FuzzPrecheck(f *testing.F) {
	s := newSigner(f)
	const now = 1_800_000_000
	f.Add(`{"iss":"https://idp.example","aud":"a","exp":1800000060,"sub":"jane"}`)
	f.Add(`{"iss":"https://idp.example","aud":["a"],"exp":1800000060,"nbf":1800000000,"scp":["x"]}`)
	f.Add(`{"iss":"https://idp.example","aud":"a","exp":1800000060,"exp":1}`)
	f.Add(`{"iss":"https://idp.example","aud":"a","exp":1800000060.75,"nbf":17e8,"azp":"c","scope":["x"],"typ":"Bearer"}`)
	f.Add(`{"iss":"https://idp.example","aud":"a","exp":1800000060,"typ":"ID","at_hash":"h","nonce":"n"}`)
	f.Add(`{"iss":"https://idp.example","aud":"a","exp":1800000060,"events":{"urn:x:y":{}},"token_use":"access"}`)
	f.Add(`{}`)
	var landings []func(int64, host.Answer)
	step := NewLocal(*checked(0), Binding{}, host.Ports{
		Store: memstore.New(nil),
		Dispatcher: func(_ host.Callout, land func(int64, host.Answer)) host.Failure {
			landings = append(landings, land)
			return host.NoFailure
		},
		Metrics: host.NoMetrics{}, Warn: func(string) {},
	})
	apply := func(token string) (*pipeline.Exchange, pipeline.Outcome) {
		x := withAuthorization("", "Bearer "+token)
		x.Now = now * int64(time.Second)
		return x, step.Apply(x)
	}
	const good = `{"iss":"https://idp.example","aud":"a","exp":1800000060}`
	apply(s.token(f, good))
	landings[0](now*int64(time.Second), s.keys(f))
	if _, o := apply(s.token(f, good)); !o.Continues() {
		f.Fatal("a good token is refused, so this shows nothing")
	}
	f.Fuzz(func(t *testing.T, payload string) {
		x, o := apply(s.token(t, payload))
		if !o.Continues() {
			return
		}
		var c map[string]json.RawMessage
		if err := json.Unmarshal([]byte(payload), &c); err != nil {
			t.Fatalf("accepted %q, which encoding/json does not read: %v", payload, err)
		}
		var issuer, subject string
		expires := expectedTime(t, c, "exp", false)
		err := json.Unmarshal(c["iss"], &issuer)
		if c["sub"] != nil {
			err = errors.Join(err, json.Unmarshal(c["sub"], &subject))
		}
		if err != nil || issuer != "https://idp.example" || expires <= now || x.Token.Expires != expires || x.Token.Subject != subject ||
			!slices.Contains(x.Token.Audience, "a") && !slices.Contains(x.Token.Audience, "b") {
			t.Fatalf("accepted %q as %+v: %v", payload, x.Token, err)
		}
		checkKind(t, c, x.Token)
		if x.Token.OtherKind {
			t.Fatalf("accepted %q, which says that it is not an access token", payload)
		}
	})
}

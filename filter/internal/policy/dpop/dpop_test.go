package dpop

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/jose"
	"github.com/sallyport-gateway/sallyport/filter/internal/jose/josetest"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

const (
	now   = 1_800_000_000 // unix seconds
	token = "an.access.token"
)

// proof is what a test signs; the zero value with claims filled in is good.
type proof struct {
	key    crypto.Signer
	alg    gojose.SignatureAlgorithm
	typ    string
	noKey  bool
	header map[gojose.HeaderKey]any
	claims map[string]any
}

func newProof(t testing.TB) *proof {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256([]byte(token))
	return &proof{key: key, alg: gojose.ES256, typ: "dpop+jwt", header: map[gojose.HeaderKey]any{}, claims: map[string]any{
		"jti": "e1j3V_bKic8-LAEB", "htm": "POST", "htu": "https://api.example/orders/7", "iat": now,
		"ath": base64.RawURLEncoding.EncodeToString(hash[:]),
	}}
}

func (p *proof) sign(t testing.TB) string {
	t.Helper()
	o := &gojose.SignerOptions{EmbedJWK: !p.noKey, ExtraHeaders: maps.Clone(p.header)}
	if p.typ != "" {
		o = o.WithType(gojose.ContentType(p.typ))
	}
	payload, err := json.Marshal(p.claims)
	if err != nil {
		t.Fatal(err)
	}
	return josetest.Sign(t, gojose.SigningKey{Algorithm: p.alg, Key: p.key}, o, payload)
}

func request(proofs ...string) *pipeline.Exchange {
	x := &pipeline.Exchange{Method: "POST", Authority: "api.example", Path: "/orders/7", Query: "full=1", HasQuery: true, Now: now * int64(time.Second)}
	for _, p := range proofs {
		x.Headers = append(x.Headers, host.Header{Name: "dpop", Value: p})
	}
	return x
}

func newChecker() *Checker {
	return New(Options{Algorithms: []jose.Algorithm{jose.ES256, jose.RS256}, MaxAge: time.Minute, Skew: 5 * time.Second, Entries: 100}, memstore.New(nil), nil)
}

// TestProof goes through the list of RFC 9449 section 4.3.
func TestProof(t *testing.T) {
	big, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	claim := func(name string, value any) func(*proof) {
		return func(p *proof) {
			if p.claims[name] = value; value == nil {
				delete(p.claims, name)
			}
		}
	}
	for _, tt := range []struct {
		name   string
		change func(*proof)
		want   denial.Reason // Internal: accepted
	}{
		{"good", func(*proof) {}, denial.Internal},
		{"RSA", func(p *proof) { p.key, p.alg = big, gojose.RS256 }, denial.Internal},
		{"further claims", claim("nonce", "x"), denial.Internal},
		{"htu with query and fragment", claim("htu", "https://api.example/orders/7?x=1#y"), denial.Internal},
		{"oldest", claim("iat", now-60), denial.Internal},
		{"ahead within the skew", claim("iat", now+5), denial.Internal},
		{"too old", claim("iat", now-61), denial.DPoPStale},
		{"ahead", claim("iat", now+6), denial.DPoPStale},
		{"another method", claim("htm", "GET"), denial.DPoPMismatch},
		{"method in other letters", claim("htm", "post"), denial.DPoPMismatch},
		{"another host", claim("htu", "https://evil.example/orders/7"), denial.DPoPMismatch},
		{"another path", claim("htu", "https://api.example/orders/8"), denial.DPoPMismatch},
		{"another token", claim("ath", strings.Repeat("A", 43)), denial.DPoPMismatch},
		{"no jti", claim("jti", nil), denial.DPoPMalformed},
		{"empty jti", claim("jti", ""), denial.DPoPMalformed},
		{"long jti", claim("jti", strings.Repeat("j", maxIDBytes+1)), denial.DPoPMalformed},
		{"jti is a number", claim("jti", 7), denial.DPoPMalformed},
		{"no htm", claim("htm", nil), denial.DPoPMalformed},
		{"no htu", claim("htu", nil), denial.DPoPMalformed},
		{"no iat", claim("iat", nil), denial.DPoPMalformed},
		{"iat as text", claim("iat", "1800000000"), denial.DPoPMalformed},
		{"iat with a fraction", claim("iat", json.RawMessage("1799999999.512")), denial.Internal},
		{"iat as a double", claim("iat", json.RawMessage("1.800000000E9")), denial.Internal},
		{"oldest with a fraction", claim("iat", json.RawMessage("1799999940.001")), denial.Internal},
		{"too old by a fraction", claim("iat", json.RawMessage("1799999939.999")), denial.DPoPStale},
		{"iat in milliseconds", claim("iat", json.RawMessage("1800000000000")), denial.DPoPMalformed},
		{"iat is negative", claim("iat", -1), denial.DPoPMalformed},
		{"iat is zero", claim("iat", 0), denial.DPoPMalformed},
		{"iat is huge", claim("iat", json.RawMessage("1e300")), denial.DPoPMalformed},
		{"iat is null", claim("iat", json.RawMessage("null")), denial.DPoPMalformed},
		{"no ath", claim("ath", nil), denial.DPoPMalformed},
		{"no typ", func(p *proof) { p.typ = "" }, denial.DPoPMalformed},
		{"typ of an access token", func(p *proof) { p.typ = "at+jwt" }, denial.DPoPMalformed},
		{"no key", func(p *proof) { p.noKey = true }, denial.DPoPMalformed},
		{"critical header", func(p *proof) { p.header["crit"] = []string{"b64"} }, denial.DPoPMalformed},
		{"too long", claim("x", strings.Repeat("x", maxProofBytes)), denial.DPoPMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newProof(t)
			tt.change(p)
			got, reason, ok := newChecker().Check(request(p.sign(t)), token)
			if ok != (tt.want == denial.Internal) || reason != tt.want {
				t.Fatalf("%v, %v, want %v", ok, reason, tt.want)
			}
			if !ok {
				return
			}
			sum, err := (&gojose.JSONWebKey{Key: p.key.Public()}).Thumbprint(crypto.SHA256)
			if err != nil || got.Thumbprint != base64.RawURLEncoding.EncodeToString(sum) {
				t.Errorf("thumbprint %q, %v", got.Thumbprint, err)
			}
		})
	}
}

func TestProofThatSomebodyMadeUp(t *testing.T) {
	good := newProof(t).sign(t)
	head, rest, _ := strings.Cut(good, ".")
	other, _, _ := strings.Cut(newProof(t).sign(t), ".") // another key
	edit := func(from, to string) string {
		text, err := base64.RawURLEncoding.DecodeString(head)
		if err != nil || !strings.Contains(string(text), from) {
			t.Fatalf("header %s, %v", text, err)
		}
		return base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(text), from, to, 1))) + "." + rest
	}
	for _, tt := range []struct {
		name   string
		proofs []string
		want   denial.Reason
	}{
		{"none", nil, denial.DPoPMissing},
		{"two", []string{good, newProof(t).sign(t)}, denial.DPoPMalformed},
		{"two in one header", []string{good + "," + good}, denial.DPoPMalformed},
		{"empty", []string{""}, denial.DPoPMalformed},
		{"no JWT", []string{"abc"}, denial.DPoPMalformed},
		{"signature cut off", []string{good[:strings.LastIndexByte(good, '.')+1]}, denial.DPoPMalformed},
		{"alg none", []string{edit(`"ES256"`, `"none"`)}, denial.DPoPMalformed},
		{"alg HS256", []string{edit(`"ES256"`, `"HS256"`)}, denial.DPoPMalformed},
		{"private key in the header", []string{edit(`"kty"`, `"d":"AQAB","kty"`)}, denial.DPoPMalformed},
		{"another key in the header", []string{other + "." + rest}, denial.DPoPSignatureInvalid},
		{"another algorithm than the key's", []string{edit(`"ES256"`, `"RS256"`)}, denial.DPoPSignatureInvalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, reason, ok := newChecker().Check(request(tt.proofs...), token); ok || reason != tt.want {
				t.Errorf("%v, %v, want %v", ok, reason, tt.want)
			}
		})
	}
	only := New(Options{Algorithms: []jose.Algorithm{jose.RS256}, MaxAge: time.Minute, Entries: 1}, memstore.New(nil), nil)
	if _, reason, ok := only.Check(request(good), token); ok || reason != denial.DPoPMalformed || only.Offer() != "RS256" {
		t.Errorf("an algorithm that is not offered: %v, %v", ok, reason)
	}
}

func TestSpend(t *testing.T) {
	broken := false
	store := memstore.New(func(memstore.Operation, string) error {
		if broken {
			return errors.New("the host refuses")
		}
		return nil
	})
	o := Options{Algorithms: []jose.Algorithm{jose.ES256}, MaxAge: time.Minute, Skew: 5 * time.Second, Entries: 100}
	one, other := New(o, store, nil), New(o, store, nil) // two workers
	p, _, ok := one.Check(request(newProof(t).sign(t)), token)
	if !ok {
		t.Fatal("the proof was refused")
	}
	if reason, ok := one.Spend(p, now*int64(time.Second)); !ok {
		t.Fatalf("first use: %v", reason)
	}
	for name, c := range map[string]*Checker{"the same worker": one, "another worker": other} {
		if reason, ok := c.Spend(p, now*int64(time.Second)); ok || reason != denial.DPoPReplayed {
			t.Errorf("%s: %v, %v", name, ok, reason)
		}
	}
	broken = true
	if reason, ok := other.Spend(Proof{issued: now}, now*int64(time.Second)); ok || reason != denial.DPoPUnavailable {
		t.Errorf("on a host that refuses: %v, %v", ok, reason)
	}
}

func FuzzProof(f *testing.F) {
	f.Add(newProof(f).sign(f))
	f.Add("e30.e30.e30")
	c := newChecker()
	f.Fuzz(func(t *testing.T, text string) {
		p, _, ok := c.Check(request(text), token)
		if ok && (p.Thumbprint == "" || !c.fresh(p.issued, now*int64(time.Second))) {
			t.Errorf("accepted %+v", p)
		}
	})
}

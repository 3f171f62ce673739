package introspection

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/jose"
	"github.com/sallyport-gateway/sallyport/filter/internal/jose/josetest"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/dpop"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

const (
	keyPrint  = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
	certPrint = "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"
)

// holder of a key, as a client with DPoP is.
type holderOfKey struct{ key *ecdsa.PrivateKey }

func newHolder(t testing.TB) holderOfKey {
	t.Helper()
	return holderOfKey{newSigner(t).key}
}

func (h holderOfKey) thumbprint(t testing.TB) string {
	t.Helper()
	sum, err := (&gojose.JSONWebKey{Key: h.key.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

// proof of possession for GET https://api.example/orders with the token.
func (h holderOfKey) proof(t testing.TB, token, id string, issued int64) string {
	t.Helper()
	hash := sha256.Sum256([]byte(token))
	payload, err := json.Marshal(map[string]any{
		"jti": id, "htm": "GET", "htu": "https://api.example/orders", "iat": issued,
		"ath": base64.RawURLEncoding.EncodeToString(hash[:]),
	})
	if err != nil {
		t.Fatal(err)
	}
	o := (&gojose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt")
	return josetest.Sign(t, gojose.SigningKey{Algorithm: gojose.ES256, Key: h.key}, o, payload)
}

func withDPoP(o *Options) {
	o.Binding.DPoP = &dpop.Options{Algorithms: []jose.Algorithm{jose.ES256}, MaxAge: time.Minute, Skew: 5 * time.Second, Entries: 64}
}

// bring is a request with Authorization and, unless it is "", a proof.
func (b *bench) bring(authorization, proof string) *exchange {
	x := &exchange{Exchange: withAuthorization("", authorization), run: b.seq.Begin()}
	x.Method, x.Authority, x.Path = "GET", "api.example", "/orders"
	if proof != "" {
		x.Headers = append(x.Headers, host.Header{Name: "dpop", Value: proof})
	}
	x.verdict = x.run.Advance(x.Exchange, b.now.UnixNano(), func() {
		x.verdict = x.run.Advance(x.Exchange, b.now.UnixNano(), func() { panic("parked twice") })
	})
	return x
}

func boundTo(b *bench, cnf string) host.Answer {
	return answered(200, fmt.Sprintf(`{"active":true,"sub":"jane","exp":%d,"token_type":"DPoP","cnf":{%s}}`, b.now.Unix()+300, cnf))
}

func TestBoundTokenNeedsItsProof(t *testing.T) {
	jane, thief := newHolder(t), newHolder(t)
	bound := `"jkt":"` + jane.thumbprint(t) + `"`
	for _, tt := range []struct {
		name, scheme string
		by           holderOfKey
		cnf          string
		want         denial.Reason // Internal: admitted
	}{
		{"proven", "DPoP", jane, bound, denial.Internal},
		{"scheme in other letters", "dpop", jane, bound, denial.Internal},
		{"as Bearer, with the proof", "Bearer", jane, bound, denial.TokenSenderConstrained},
		{"proof of another key", "DPoP", thief, bound, denial.TokenKeyMismatch},
		{"token that is bound to nothing", "DPoP", jane, "", denial.TokenSenderConstrained},
		{"token that is bound to something else too", "DPoP", jane, bound + `,"kid":"x"`, denial.TokenSenderConstrained},
		{"token that is bound to a certificate too", "DPoP", jane, bound + `,"x5t#S256":"` + certPrint + `"`, denial.TokenCertificateMismatch},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(withDPoP)
			b.step.binding.certificate = func() string { return "" }
			x := b.bring(tt.scheme+" token", tt.by.proof(t, "token", "id-1", b.now.Unix()))
			b.land(0, boundTo(b, tt.cnf))
			if tt.want == denial.Internal {
				x.wantAdmitted(t, "jane")
				if !x.Token.Proven {
					t.Error("not marked as proven")
				}
				return
			}
			if x.verdict != pipeline.Denied || x.run.Denial().Reason != tt.want {
				t.Fatalf("verdict %v, %v, want %v", x.verdict, x.run.Denial().Reason, tt.want)
			}
			if x.Token.Proven {
				t.Error("marked as proven")
			}
		})
	}
}

// TestOverriddenRefusalLeavesNoIdentity: who did not prove that a token is his own,
// or came with one of another kind, is nobody, whatever an operator lets pass.
func TestOverriddenRefusalLeavesNoIdentity(t *testing.T) {
	jane, thief := newHolder(t), newHolder(t)
	bound := `,"cnf":{"jkt":"` + jane.thumbprint(t) + `"}`
	for _, tt := range []struct {
		name   string
		scheme string
		by     holderOfKey
		more   string // of the answer
		broken bool   // the memory of proofs
		wrap   func(pipeline.Step) pipeline.Step
		known  bool // for the records
	}{
		{"a bound token as Bearer", "Bearer", jane, bound, false, pipeline.DryRun, true},
		{"a proof of another key", "DPoP", thief, bound, false, pipeline.DryRun, true},
		{"bound to something that nobody can prove", "Bearer", jane, `,"cnf":{"kid":"x"}`, false, pipeline.DryRun, true},
		{"bound to a certificate", "Bearer", jane, `,"cnf":{"x5t#S256":"` + certPrint + `"}`, false, pipeline.DryRun, true},
		{"a refresh token", "Bearer", jane, `,"token_use":"refresh_token"`, false, pipeline.DryRun, true},
		{"an ID token", "Bearer", jane, `,"at_hash":"x"`, false, pipeline.DryRun, true},
		{"no memory of proofs", "DPoP", jane, bound, true, pipeline.ContinueOnError, false},
		{"no memory of proofs, dry run", "DPoP", jane, bound, true, pipeline.DryRun, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			broken := false
			store := memstore.New(func(memstore.Operation, string) error {
				if broken {
					return errors.New("broken")
				}
				return nil
			})
			b := newBenchOn(store, host.NoPeers{}, 0, withDPoP)
			b.step.binding.certificate = func() string { return "" }
			b.seq = pipeline.NewSequence(tt.wrap(b.step))
			x := b.bring(tt.scheme+" token", tt.by.proof(t, "token", "id-1", b.now.Unix()))
			broken = tt.broken
			b.land(0, answered(200, fmt.Sprintf(`{"active":true,"sub":"jane","exp":%d%s}`, b.now.Unix()+300, tt.more)))
			if x.verdict != pipeline.Admitted || len(x.DryRun)+len(x.Overridden) != 1 {
				t.Fatalf("verdict %v, dry run %v, overridden %v", x.verdict, x.DryRun, x.Overridden)
			}
			if x.Token != nil && (x.Token.Active || x.Token.Proven) {
				t.Errorf("the backend would be told of %q", x.Token.Subject)
			}
			if known := x.Token != nil && x.Token.Subject == "jane"; known != tt.known {
				t.Errorf("for the records: %v, want %v", known, tt.known)
			}
		})
	}
}

func TestProofIsGoodOnce(t *testing.T) {
	jane := newHolder(t)
	b := newBench(withDPoP)
	first, second := jane.proof(t, "token", "id-1", b.now.Unix()), jane.proof(t, "token", "id-2", b.now.Unix())
	x := b.bring("DPoP token", first)
	same := b.bring("DPoP token", first) // while the first one waits
	b.land(0, boundTo(b, `"jkt":"`+jane.thumbprint(t)+`"`))
	x.wantAdmitted(t, "jane")
	for _, again := range []*exchange{same, b.bring("DPoP token", first)} {
		if again.verdict != pipeline.Denied || again.run.Denial().Reason != denial.DPoPReplayed {
			t.Fatalf("verdict %v, %v, want a replay", again.verdict, again.run.Denial().Reason)
		}
	}
	b.bring("DPoP token", second).wantAdmitted(t, "jane")
	b.wantCalls(t, 1) // the claims were cached, the proofs checked all the same
	other := b.bring("DPoP token", "")
	if other.verdict != pipeline.Denied || other.run.Denial().Reason != denial.DPoPMissing {
		t.Errorf("without a proof: %v, %v", other.verdict, other.run.Denial().Reason)
	}
}

// TestBadProofCostsNoCall: garbage is refused before the server is asked.
func TestBadProofCostsNoCall(t *testing.T) {
	b := newBench(withDPoP)
	for _, proof := range []string{"", "x", newHolder(t).proof(t, "another token", "id", b.now.Unix())} {
		if x := b.bring("DPoP token", proof); x.verdict != pipeline.Denied {
			t.Errorf("proof %q: %v", proof, x.verdict)
		}
	}
	b.wantCalls(t, 0)
}

func TestRequiredDPoP(t *testing.T) {
	b := newBench(func(o *Options) { withDPoP(o); o.Binding.Required = true })
	for authorization, want := range map[string]denial.Reason{"Bearer token": denial.DPoPRequired, "Basic eDp5": denial.TokenMissing} {
		if x := b.bring(authorization, ""); x.verdict != pipeline.Denied || x.run.Denial().Reason != want || x.DPoP != "ES256" {
			t.Errorf("%s: %v, %v, offer %q", authorization, x.verdict, x.run.Denial().Reason, x.DPoP)
		}
	}
	b.wantCalls(t, 0)
}

func TestCertificateBoundToken(t *testing.T) {
	sum := sha256.Sum256([]byte("certificate"))
	print := base64.RawURLEncoding.EncodeToString(sum[:])
	digest := hex.EncodeToString(sum[:])
	for name, tt := range map[string]struct {
		digest, cnf string
		want        denial.Reason // Internal: admitted
	}{
		"its certificate":            {digest, print, denial.Internal},
		"another certificate":        {hex.EncodeToString(make([]byte, 32)), print, denial.TokenCertificateMismatch},
		"no certificate":             {"", print, denial.TokenCertificateMismatch},
		"half a digest":              {digest[:62], print, denial.TokenCertificateMismatch},
		"no digest":                  {"zz" + digest[2:], print, denial.TokenCertificateMismatch},
		"thumbprint of other length": {digest, print[:42], denial.TokenSenderConstrained},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			b := newBench(nil)
			b.step.binding.certificate = func() string { asked++; return tt.digest }
			x := b.bring("Bearer token", "")
			b.land(0, answered(200, fmt.Sprintf(`{"active":true,"sub":"jane","exp":%d,"cnf":{"x5t#S256":%q}}`, b.now.Unix()+300, tt.cnf)))
			if tt.want == denial.Internal {
				x.wantAdmitted(t, "jane")
			} else if x.verdict != pipeline.Denied || x.run.Denial().Reason != tt.want {
				t.Fatalf("verdict %v, %v, want %v", x.verdict, x.run.Denial().Reason, tt.want)
			}
			// A plain token never costs the look at the connection.
			before := asked
			plain := b.bring("Bearer plain", "")
			b.land(1, b.active("joe"))
			plain.wantAdmitted(t, "joe")
			if asked != before {
				t.Error("a token that is bound to nothing was compared with the certificate")
			}
		})
	}
}

func TestLocalStepChecksBinding(t *testing.T) {
	jane := newHolder(t)
	issuer := newSigner(t)
	b := newBench(nil)
	o := Options{}
	withDPoP(&o)
	step := NewLocal(*checked(0), o.Binding, host.Ports{Store: memstore.New(nil), Dispatcher: b.air.dispatch, Metrics: b, Warn: func(string) {}, ClientCertificate: func() string { return "" }})
	b.seq = pipeline.NewSequence(step)
	token := issuer.token(t, fmt.Sprintf(`{"iss":"https://idp.example","aud":"a","sub":"jane","exp":%d,"cnf":{"jkt":%q}}`, b.now.Unix()+300, jane.thumbprint(t)))
	x := b.bring("DPoP "+token, jane.proof(t, token, "id", b.now.Unix()))
	b.land(0, issuer.keys(t))
	x.wantAdmitted(t, "jane")
	if x := b.bring("Bearer "+token, ""); x.verdict != pipeline.Denied || x.run.Denial().Reason != denial.TokenSenderConstrained {
		t.Errorf("as Bearer: %v, %v", x.verdict, x.run.Denial().Reason)
	}
}

package config

import (
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

// answering is a server that says the same of every token.
type answering struct {
	answer host.Answer
	land   func(int64, host.Answer)
}

func (a *answering) dispatch(_ host.Callout, land func(int64, host.Answer)) host.Failure {
	a.land = land
	return host.NoFailure
}

// play runs a whole sequence, the call included.
func (a *answering) play(s *pipeline.Sequence, x *pipeline.Exchange) (pipeline.Verdict, denial.Reason) {
	r := s.Begin()
	v := r.Advance(x, now.UnixNano(), func() {})
	for v == pipeline.Parked {
		a.land(now.UnixNano(), a.answer)
		v = r.Advance(x, now.UnixNano(), func() {})
	}
	return v, r.Denial().Reason
}

func saying(members string) host.Answer {
	body := `{"active":true,"sub":"jane",` + members + `}`
	return host.Answer{Failure: host.NoFailure, Status: 200, Body: []byte(body), BodySize: len(body)}
}

var serverDown = host.Answer{Failure: host.Unreachable}

// TestTokenKindWithoutRequireToken: whatever stands in a sequence, and in which
// order, a token of another kind, one that is bound and not proven, one of a
// client that the app is not bound to and one without the product's scopes do
// not pass, unless the operator said that the step is on trial or may fail.
func TestTokenKindWithoutRequireToken(t *testing.T) {
	const (
		good    = `"client_id":"0oa1portal","scope":"customers.read"`
		refresh = good + `,"token_use":"refresh_token"`
		bound   = good + `,"cnf":{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}`
		client  = `"client_id":"another","scope":"customers.read"`
		scope   = `"client_id":"0oa1portal","scope":"other"`
	)
	const pass = denial.Reason(255)
	all := []string{good, refresh, bound, client, scope}
	closed := []denial.Reason{pass, denial.TokenTypeUnsupported, denial.TokenSenderConstrained, denial.TokenClientNotBound, denial.TokenScopeInsufficient}
	// What the catalog says of the key alone is on trial.
	kinds := []denial.Reason{pass, denial.TokenTypeUnsupported, denial.TokenSenderConstrained, pass, pass}
	open := []denial.Reason{pass, pass, pass, pass, pass}
	for _, tt := range []struct {
		sequence string
		want     []denial.Reason // for each of all
	}{
		{"key, token", closed},
		{"token, key", closed},
		{"key, token, require", closed},
		{"token, key, require", closed},
		{"token, require, key", closed},
		{"key, token, require, token", closed},
		{"token, require, key, spike", closed},
		{"key, token, require(dry_run: true)", closed},
		{"token, key, require(dry_run: true)", closed},
		{"key, token, require(enabled: false)", closed},
		{"key, token, require(on_error: continue)", closed},
		{"key, token(on_error: continue)", closed},
		{"token(on_error: continue), key", closed},
		{"key, token(on_error: continue), require", closed},
		{"key, token(on_error: continue), require(on_error: continue)", closed},
		{"key(on_error: continue), token", closed},
		{"key, token(dry_run: true), require", closed},
		{"key, token(dry_run: true), token", closed},
		{"key, token(dry_run: true)", open},
		{"token(dry_run: true), key", open},
		{"key, token(dry_run: true), require(dry_run: true)", open},
		{"token, key(dry_run: true)", kinds},
		{"token", kinds},
		{"token, require", kinds},
		{"key", open},
		{"key, token(enabled: false)", open},
	} {
		t.Run(tt.sequence, func(t *testing.T) {
			s := catalogSequence(t, tt.sequence)
			for i, members := range all {
				a := &answering{answer: saying(members)}
				seq := s.Sequences(host.Ports{Store: memstore.New(nil), Dispatcher: a.dispatch})[0]
				v, reason := a.play(seq, withKeyAndToken())
				if v == pipeline.Admitted {
					reason = pass
				}
				if reason != tt.want[i] {
					t.Errorf("%s: %s, want %s", members, word(reason, pass), word(tt.want[i], pass))
				}
			}
		})
	}
}

func word(r, pass denial.Reason) string {
	if r == pass {
		return "admitted"
	}
	return r.String()
}

// TestTokenKindOnError: what the operator excuses is an outage, and that as usual.
func TestTokenKindOnError(t *testing.T) {
	const pass = denial.Reason(255)
	for sequence, want := range map[string]denial.Reason{
		"key, token":                              denial.IntrospectionUnreachable,
		"token, key":                              denial.IntrospectionUnreachable,
		"key, token(on_error: continue)":          pass,
		"token(on_error: continue), key":          pass,
		"key, token(on_error: continue), require": denial.Internal,
		"key, token(on_error: continue), require(on_error: continue)": pass,
		"token(dry_run: true), key":                                   pass,
	} {
		a := &answering{answer: serverDown}
		seq := catalogSequence(t, sequence).Sequences(host.Ports{Store: memstore.New(nil), Dispatcher: a.dispatch})[0]
		v, reason := a.play(seq, withKeyAndToken())
		if v == pipeline.Admitted {
			reason = pass
		}
		if reason != want {
			t.Errorf("%s: %s, want %s", sequence, word(reason, pass), word(want, pass))
		}
	}
}

// TestTokenKindOnTrial: what a trial would have refused is noted once.
func TestTokenKindOnTrial(t *testing.T) {
	for _, sequence := range []string{"key, token(dry_run: true)", "token(dry_run: true), key"} {
		a := &answering{answer: saying(`"client_id":"another","scope":"customers.read"`)}
		x := withKeyAndToken()
		a.play(catalogSequence(t, sequence).Sequences(host.Ports{Store: memstore.New(nil), Dispatcher: a.dispatch})[0], x)
		if len(x.DryRun) != 1 || x.DryRun[0] != denial.TokenClientNotBound {
			t.Errorf("%s: noted %v", sequence, x.DryRun)
		}
	}
}

// theKey is the digest of the-key.
const theKey = "ad44dc8e51cfbfa55e81ddbb626b466241069045066846e7e4cd096131505290"

func withKeyAndToken() *pipeline.Exchange {
	return request(host.Header{Name: "x-api-key", Value: "the-key"}, host.Header{Name: "authorization", Value: "Bearer t"})
}

// catalogSequence is an app that is bound to a client, with a product that wants
// a scope, and a sequence of "step" and "step(option: value)".
func catalogSequence(t *testing.T, words string) *Config {
	t.Helper()
	options := map[string]string{
		"key":     "verify_api_key: {from: [{header: x-api-key}]",
		"token":   "introspect_token: {cluster: okta, authority: a.example, path: /i, client_id: c, client_secret: {inline: s}",
		"require": "require_token: {clock_skew: 0s",
		"spike":   "spike_arrest: {rate: 100ps",
	}
	var steps []string
	for _, w := range strings.Split(words, ", ") {
		name, option, _ := strings.Cut(strings.TrimSuffix(w, ")"), "(")
		if option != "" {
			option = ", " + option
		}
		steps = append(steps, "- "+options[name]+option+"}")
	}
	return load(t, `apis: [{name: customers, version: v1, base_path: /}]
products: [{name: portal, scopes: [customers.read]}]
apps: [{name: x, developer: d, products: [portal], token_clients: [0oa1portal], keys: [{id: k, sha256: "`+theKey+`"}]}]
sequence:
`+strings.Join(steps, "\n"))
}

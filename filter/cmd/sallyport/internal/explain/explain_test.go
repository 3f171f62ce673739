package explain

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

const introspect = `introspect_token: {cluster: okta, authority: dev.okta.com, path: /v1/introspect, client_id: gw, client_secret: {env: OKTA_CLIENT_SECRET}`

// ask explains a GET of https://api.example.com/a with the headers, under a sequence. answer is Okta's, "" for not given.
func ask(t *testing.T, sequence, answer string, headers ...string) Explanation {
	t.Helper()
	return askFor(t, "GET", sequence, answer, headers...)
}

func askFor(t *testing.T, method, sequence, answer string, headers ...string) Explanation {
	t.Helper()
	return askOf(t, "{name: a, version: v1, base_path: /}", method, sequence, answer, headers...)
}

// askOf has an API that no request meets before the one that is asked about.
func askOf(t *testing.T, api, method, sequence, answer string, headers ...string) Explanation {
	t.Helper()
	config, err := yaml.YAMLToJSON([]byte("version: 1\napis: [{name: b, version: v1, base_path: /b, sequence: []}, " + api + "]\nsequence:\n" + sequence))
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewRequest(method, "https://api.example.com/a", headers)
	if err != nil {
		t.Fatal(err)
	}
	q := Question{Config: config, Env: func(string) (string, bool) { return "", false }, Request: r, Now: time.Unix(1_800_000_000, 0)}
	if answer != "" {
		q.Introspection = []byte(answer)
	}
	a, err := Ask(q)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// jwtOf is a token whose issuer would have to be asked for its keys.
const jwtOf = "Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJpc3MiOiJodHRwczovL2lkcCIsImF1ZCI6ImEiLCJleHAiOjE5MDAwMDAwMDB9.AAAA"

const precheck = `, precheck: {mode: jwt_then_introspect, jwks: {path: /keys}, issuer: "https://idp", audience: [a]}`

// TestAnswerThatWasNotGiven: nothing is concluded from an answer that nobody gave, whatever the step does with a failure.
func TestAnswerThatWasNotGiven(t *testing.T) {
	const rules = "\n- require_token: {audience: [a]}"
	for _, tt := range []struct {
		name, sequence, answer, token, note string
	}{
		{"introspection", "- " + introspect + "}" + rules, "", "Bearer t", "--introspection"},
		{"and failures are overruled", "- " + introspect + ", on_error: continue}", "", "Bearer t", "--introspection"},
		{"and the step is in dry run", "- " + introspect + ", dry_run: true}", "", "Bearer t", "--introspection"},
		{"keys", "- " + introspect + precheck + "}" + rules, `{"active":true,"aud":"a"}`, jwtOf, "keys"},
		{"keys, and failures are overruled", "- " + introspect + precheck + ", on_error: continue}", `{"active":true,"aud":"a"}`, jwtOf, "keys"},
		{"keys, and no answer either", "- " + introspect + precheck + "}" + rules, "", jwtOf, "keys"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := ask(t, tt.sequence, tt.answer, "authorization: "+tt.token)
			if a.Decided || a.Status != 0 || a.Reason != "" || len(a.Added) > 0 || len(a.Removed) > 0 {
				t.Errorf("concluded %+v", a)
			}
			if d := a.Doors[0]; d.State != Asks || d.Reason != "" || !strings.Contains(d.Note, tt.note) {
				t.Errorf("door %+v, want one that asks, with %q", d, tt.note)
			}
		})
	}
}

// TestQuotaIsExplained: with nothing used so far; what only an engine knows is not made up, also where the step would go
// on without one.
func TestQuotaIsExplained(t *testing.T) {
	if a := ask(t, "- quota: {per: api, limit: 1, interval: day}", ""); !a.Decided || a.Doors[0].State != Open {
		t.Errorf("%+v", a)
	}
	if a := ask(t, "- quota: {per: api, limit: 1, interval: day, weight: 2}", ""); a.Status != 429 || a.Doors[0].Reason != "quota.exceeded" {
		t.Errorf("%+v", a)
	}
	for _, then := range []string{"deny", "allow"} {
		a := ask(t, "- quota: {per: api, limit: 1, interval: day, mode: exact, engine: {cluster: ratelimit}, on_engine_failure: "+then+"}", `{"active":true}`)
		if d := a.Doors[0]; a.Decided || a.Status != 0 || d.State != Asks || d.Reason != "" || !strings.Contains(d.Note, "engine") {
			t.Errorf("%s: %+v", then, a)
		}
	}
}

// TestNothingThatCameIsShown: no value of the request, be a header repeated, in other letters, or like one of ours.
func TestNothingThatCameIsShown(t *testing.T) {
	const secret = "value-that-came"
	headers := []string{
		"x-auth-token: first-" + secret, "x-auth-token: " + secret, "X-Other: " + secret, "x-other: first-" + secret,
		"x-sallyport-app: " + secret, "x-forwarded-for: " + secret, "cookie: " + secret,
	}
	a := ask(t, `- spike_arrest: {rate: 10ps}`, "", headers...)
	if !a.Decided || a.Reason != "" {
		t.Fatalf("refused: %+v", a)
	}
	for _, shown := range slices.Concat(a.Added, a.Removed) {
		if strings.Contains(shown, secret) {
			t.Errorf("shows %q", shown)
		}
	}
	if !slices.Contains(a.Removed, "x-sallyport-app") {
		t.Errorf("removed %v, and not the forged header", a.Removed)
	}
}

// TestEmptyHeaderIsNotRemoved: it goes on as it came.
func TestEmptyHeaderIsNotRemoved(t *testing.T) {
	a := ask(t, "- remove_api_key: {from: [{header: x-api-key}]}", "", "x-empty:", "x-api-key:")
	if !slices.Equal(a.Removed, []string{"x-api-key"}) || len(a.Added) > 0 {
		t.Errorf("removed %v, added %v", a.Removed, a.Added)
	}
}

// TestPreflightIsExplained: what the filter answers itself is not let through.
func TestPreflightIsExplained(t *testing.T) {
	const origin, asks = "origin: https://app.example.com", "access-control-request-method: PUT"
	const key = "\n- verify_api_key: {from: [{header: x-api-key}]}"
	for _, tt := range []struct {
		name, options string
		headers       []string
		status        int
		reason        string
		answer        []string
	}{
		{"an origin by name", `allow_origins: ["https://app.example.com"], allow_credentials: true, expose_headers: [x-total]`, []string{origin, asks}, 200, "",
			[]string{"vary: origin", "access-control-allow-origin: https://app.example.com", "access-control-allow-credentials: true"}},
		{"any origin", `allow_origins: ["*"], allow_headers: [x-api-key], max_age: 1m`, []string{origin, asks}, 200, "",
			[]string{"access-control-allow-origin: *", "access-control-allow-headers: x-api-key", "access-control-max-age: 60"}},
		{"another origin", `allow_origins: ["https://other.example.com"]`, []string{origin, asks}, 403, "cors.origin_refused", nil},
		{"no preflight", `allow_origins: ["*"]`, []string{origin}, 401, "api_key.missing", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := askFor(t, "OPTIONS", "- cors: {"+tt.options+"}"+key, "", tt.headers...)
			if !a.Decided || a.Status != tt.status || a.Reason != tt.reason || len(a.Added)+len(a.Removed) > 0 {
				t.Errorf("concluded %+v", a)
			}
			if diff := cmp.Diff(tt.answer, a.Answer); diff != "" {
				t.Errorf("the answer (-want +got):\n%s", diff)
			}
		})
	}
}

// TestClustersAreNamed: each step's, whether it was reached or not, in the sequence that the API goes through.
func TestClustersAreNamed(t *testing.T) {
	const engine = "quota: {per: api, limit: 1, interval: day, mode: exact, engine: {cluster: ratelimit}"
	for _, tt := range []struct {
		name, sequence, own string // own is more of the API
		want                []string
	}{
		{"one", "- spike_arrest: {rate: 10ps}\n- " + introspect + "}", "", []string{"", "okta"}},
		{"the keys come from elsewhere", "- " + introspect + `, precheck: {mode: jwt_then_introspect, jwks: {cluster: keys, authority: k, path: /keys}, issuer: "https://idp", audience: [a]}}`, "", []string{"okta keys"}},
		{"the keys come from the same", "- " + introspect + precheck + "}", "", []string{"okta"}},
		{"behind one that is off", "- " + introspect + ", enabled: false}\n- " + engine + "}\n- " + introspect + "}", "", []string{"ratelimit", "okta"}},
		{"a count of its own asks nobody", "- quota: {per: api, limit: 1, interval: day}", "", []string{""}},
		{"an own sequence", "- " + introspect + "}", ", sequence: [{" + engine + "}}]", []string{"ratelimit"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, d := range askOf(t, "{name: a, version: v1, base_path: /"+tt.own+"}", "GET", tt.sequence, "").Doors {
				got = append(got, strings.Join(d.Clusters, " "))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestWhenIsExplained: a step that is not meant for the request is told from one that lets it pass.
func TestWhenIsExplained(t *testing.T) {
	a := ask(t, "- verify_api_key: {from: [{header: x-api-key}], when: {method: POST}}\n- raise_fault: {status: 410, when: {path: /a}}", "")
	if a.Status != 410 || a.Reason != "raise_fault.raised" || a.Doors[0].State != Skipped || a.Doors[1].State != Refused {
		t.Errorf("%+v", a)
	}
	if a := ask(t, "- verify_api_key: {from: [{header: x-api-key}], when: {path: /A}, dry_run: true}", ""); a.Doors[0].State != Open {
		t.Errorf("%+v", a)
	}
}

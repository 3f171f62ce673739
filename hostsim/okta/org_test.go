package okta_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/hostsim/okta"
)

const (
	gatewayID, gatewaySecret = "0oa1gateway", "gateway-secret:with/odd+chars%"
	serviceID, serviceSecret = "0oa1service", "service-secret"
	portalID                 = "0oa1portal"
	portalRedirect           = "http://127.0.0.1:7777/callback"
	userLogin, userPassword  = "ada@example.com", "correct horse"
)

// clock is a fake clock moved by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// fixture is an org served over TLS.
type fixture struct {
	*okta.Org
	clock  *clock
	client *http.Client
	base   string // https://127.0.0.1:port
}

func newFixture(t *testing.T, change ...func(*okta.Config)) *fixture {
	t.Helper()
	srv := httptest.NewUnstartedServer(nil)
	f := &fixture{clock: &clock{now: time.Now().Truncate(time.Second)}, base: "https://" + srv.Listener.Addr().String()}
	cfg := okta.Config{
		Issuer: f.base + "/oauth2/default",
		Scopes: []string{"customers.read", "customers.write"},
		Clients: []okta.Client{
			{ID: gatewayID, Secret: gatewaySecret},
			{ID: serviceID, Secret: serviceSecret, ClientCredentials: true, Scopes: []string{"customers.read"}},
			{ID: portalID, RedirectURIs: []string{portalRedirect}, Scopes: []string{"customers.read"}},
		},
		Users: []okta.User{{ID: "00u1ada", Login: userLogin, Password: userPassword, Name: "Ada"}},
		Now:   f.clock.Now,
	}
	for _, c := range change {
		c(&cfg)
	}
	org, err := okta.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	f.Org = org
	srv.Config.Handler = org.Handler()
	srv.StartTLS()
	t.Cleanup(srv.Close)
	f.client = srv.Client()
	f.client.Jar, _ = cookiejar.New(nil)
	f.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return f
}

// answer is a response that was read to its end.
type answer struct {
	status int
	header http.Header
	body   string
}

func (f *fixture) do(t *testing.T, req *http.Request) answer {
	t.Helper()
	resp, err := f.client.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", req.Method, req.URL.Path, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: read body: %v", req.Method, req.URL.Path, err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

// post sends form to an endpoint with Basic credentials, or with none when id is empty.
func (f *fixture) post(t *testing.T, endpoint, id, secret string, form url.Values) answer {
	t.Helper()
	return f.do(t, f.formRequest(t, endpoint, id, secret, form))
}

func (f *fixture) formRequest(t *testing.T, endpoint, id, secret string, form url.Values) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.base+"/oauth2/default/v1/"+endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if id != "" {
		req.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	}
	return req
}

func (f *fixture) introspect(t *testing.T, token string) string {
	t.Helper()
	a := f.post(t, "introspect", gatewayID, gatewaySecret, url.Values{"token": {token}, "token_type_hint": {"access_token"}})
	if a.status != http.StatusOK {
		t.Fatalf("introspect: status %d: %s", a.status, a.body)
	}
	return a.body
}

func (f *fixture) issue(t *testing.T, r okta.TokenRequest) string {
	t.Helper()
	token, err := f.IssueToken(r)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func decode(t *testing.T, body string) map[string]any {
	t.Helper()
	var m map[string]any
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&m); err != nil {
		t.Fatalf("decode %q: %v", body, err)
	}
	return m
}

// payload decodes a JWT without checking its signature.
func payload(t *testing.T, token string) (header, claims map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("token has %d parts", len(parts))
	}
	for i, into := range []*map[string]any{&header, &claims} {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		if err := d.Decode(into); err != nil {
			t.Fatal(err)
		}
	}
	return header, claims
}

func wantDiff(t *testing.T, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestNewRefusesBadConfig(t *testing.T) {
	good := okta.Config{Issuer: "https://x/oauth2/default", Clients: []okta.Client{{ID: "a"}}}
	for _, tc := range []struct {
		name   string
		change func(*okta.Config)
		want   string
	}{
		{"issuer of the org server", func(c *okta.Config) { c.Issuer = "https://x" }, "issuer"},
		{"no client", func(c *okta.Config) { c.Clients = nil }, "no client"},
		{"client twice", func(c *okta.Config) { c.Clients = []okta.Client{{ID: "a"}, {ID: "a"}} }, "clients[1]"},
		{"lifetime too short", func(c *okta.Config) { c.AccessTokenLifetime = time.Minute }, "lifetime"},
		{"lifetime too long", func(c *okta.Config) { c.AccessTokenLifetime = 25 * time.Hour }, "lifetime"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := good
			tc.change(&cfg)
			if _, err := okta.New(cfg); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("New: %v, want an error about %q", err, tc.want)
			}
		})
	}
}

// TestMain keeps the library's log of refused requests out of the output.
func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

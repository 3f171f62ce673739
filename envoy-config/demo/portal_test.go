package demo_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/envoy-config/demo"
	"github.com/sallyport-gateway/sallyport/hostsim/okta"
)

const apiKey = "portal-key-0123456789"

// portalFixture is a portal between a simulated Okta and a gateway that
// answers what it was sent.
type portalFixture struct {
	org     *okta.Org
	browser *http.Client
	url     string
	seen    *http.Request // the gateway's last request
	status  int           // the gateway's answer
}

func newPortal(t *testing.T) *portalFixture {
	t.Helper()
	f := &portalFixture{status: http.StatusOK}
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.seen = r.Clone(r.Context())
		w.Header().Set("WWW-Authenticate", `Bearer realm="x"`)
		w.WriteHeader(f.status)
		io.WriteString(w, "<b>from the backend</b>")
	}))
	t.Cleanup(gateway.Close)
	idp, front := httptest.NewUnstartedServer(nil), httptest.NewUnstartedServer(nil)
	f.url = "http://" + front.Listener.Addr().String()
	var err error
	f.org, err = okta.New(okta.Config{
		Issuer: "https://" + idp.Listener.Addr().String() + "/oauth2/default",
		Scopes: []string{"customers.read"},
		Clients: []okta.Client{
			{ID: "0oa1portal", RedirectURIs: []string{f.url + demo.PortalCallback}, Scopes: []string{"customers.read"}},
		},
		Users: []okta.User{{ID: "00u1", Login: "ada@example.com", Password: "pw", Name: "Ada Lovelace"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	idp.Config.Handler = f.org.Handler()
	idp.StartTLS()
	t.Cleanup(idp.Close)
	portal, err := demo.NewPortal(t.Context(), demo.PortalConfig{
		BaseURL: f.url, Issuer: f.org.Issuer(), ClientID: "0oa1portal", Scopes: []string{"openid", "profile", "customers.read"},
		GatewayURL: gateway.URL, APIKey: apiKey, Client: idp.Client(),
	})
	if err != nil {
		t.Fatal(err)
	}
	front.Config.Handler = portal
	front.Start()
	t.Cleanup(front.Close)
	jar, _ := cookiejar.New(nil)
	f.browser = &http.Client{Jar: jar, Transport: idp.Client().Transport}
	return f
}

// send posts a form, or gets the page when form is nil, and follows redirects as a browser does.
func (f *portalFixture) send(t *testing.T, target string, form url.Values, header ...string) (*http.Response, string) {
	t.Helper()
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(t.Context(), method, target, body)
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := f.browser.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

var requestField = regexp.MustCompile(`name="request" value="([^"]+)"`)

// logIn walks through the portal's and Okta's pages and returns the page at the end.
func logIn(t *testing.T, f *portalFixture) string {
	t.Helper()
	resp, page := f.send(t, f.url+"/login", url.Values{})
	field := requestField.FindStringSubmatch(page)
	if field == nil {
		t.Fatalf("no login page: %s", page)
	}
	resp.Request.URL.RawQuery = ""
	_, page = f.send(t, resp.Request.URL.String(), url.Values{"request": {field[1]}, "username": {"ada@example.com"}, "password": {"pw"}})
	return page
}

func call(times string) url.Values {
	return url.Values{"call": {"order-v1"}, "with_key": {"on"}, "with_token": {"on"}, "times": {times}}
}

func TestPortalStory(t *testing.T) {
	f := newPortal(t)
	if _, page := f.send(t, f.url, nil); !strings.Contains(page, "Sign in with Okta") {
		t.Fatalf("first page: %s", page)
	}
	if page := logIn(t, f); !strings.Contains(page, "Ada Lovelace") {
		t.Fatalf("after login: %s", page)
	}

	resp, page := f.send(t, f.url+"/call", call("1"))
	if resp.StatusCode != 200 || !strings.Contains(page, "<strong>200 OK</strong>") || !strings.Contains(page, "&lt;b&gt;from the backend") {
		t.Errorf("page after the call: %d %s", resp.StatusCode, page)
	}
	token, isBearer := strings.CutPrefix(f.seen.Header.Get("Authorization"), "Bearer ")
	if !isBearer || f.seen.Header.Get("X-Api-Key") != apiKey || f.seen.URL.Path != "/customers/v1/orders/42" {
		t.Errorf("gateway saw %s %v", f.seen.URL, f.seen.Header)
	}
	for what, secret := range map[string]string{"key": apiKey, "token": token} {
		if strings.Contains(page, secret) {
			t.Errorf("the page has the %s", what)
		}
	}

	f.status = http.StatusTooManyRequests
	_, body := f.send(t, f.url+"/call", call("3"), "Accept", "application/json")
	var got struct {
		Status  string
		Headers []string
		Counts  []struct{ Status, Count int }
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	if got.Status != "429 Too Many Requests" || len(got.Counts) != 1 || got.Counts[0].Count != 3 || got.Headers[0] != `www-authenticate: Bearer realm="x"` {
		t.Errorf("answer for the script: %+v", got)
	}

	if _, page := f.send(t, f.url+"/revoke", url.Values{}); !strings.Contains(page, "Your token is revoked") {
		t.Errorf("after revoke: %s", page)
	}
	if calls := f.org.Calls(); calls[len(calls)-1].Endpoint != okta.EndpointRevoke || calls[len(calls)-1].TokenHash != okta.HashToken(token) {
		t.Errorf("Okta saw %+v", calls)
	}

	f.send(t, f.url+"/logout", url.Values{})
	if resp, _ := f.send(t, f.url+"/call", call("1")); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("call after logout: %d", resp.StatusCode)
	}
}

func TestPortalSendsOnlyWhatWasChosen(t *testing.T) {
	f := newPortal(t)
	logIn(t, f)
	f.send(t, f.url+"/call", url.Values{"call": {"order-v2"}, "times": {"1"}})
	if h := f.seen.Header; h.Get("X-Api-Key") != "" || h.Get("Authorization") != "" {
		t.Errorf("gateway saw %v", h)
	}
}

func TestPortalRefuses(t *testing.T) {
	f := newPortal(t)
	logIn(t, f)
	for _, tc := range []struct {
		name, path string
		form       url.Values
		header     []string
		status     int
	}{
		{"unknown call", "/call", url.Values{"call": {"http://evil.example"}, "times": {"1"}}, nil, 400},
		{"too many times", "/call", call("61"), nil, 400},
		{"from another site", "/call", call("1"), []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"from another origin", "/call", call("1"), []string{"Origin", "http://evil.example"}, 403},
		{"foreign state", "/callback?state=guess&code=x", nil, nil, 400},
		{"empty state", "/callback?state=&code=x", nil, nil, 400},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f.seen = nil
			if resp, _ := f.send(t, f.url+tc.path, tc.form, tc.header...); resp.StatusCode != tc.status {
				t.Errorf("status %d, want %d", resp.StatusCode, tc.status)
			}
			if f.seen != nil {
				t.Error("the gateway was called")
			}
		})
	}
}

func TestPortalSessionIDChangesAtLogin(t *testing.T) {
	f := newPortal(t)
	base, _ := url.Parse(f.url)
	f.send(t, f.url+"/login", url.Values{})
	before := f.browser.Jar.Cookies(base)
	logIn(t, f)
	after := f.browser.Jar.Cookies(base)
	if len(before) != 1 || len(after) != 1 || before[0].Value == after[0].Value {
		t.Errorf("before %d, after %d cookies, the same: %v", len(before), len(after), before[0].Value == after[0].Value)
	}
}

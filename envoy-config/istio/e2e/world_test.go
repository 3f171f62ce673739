package e2e

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/demo"
	"github.com/sallyport-gateway/sallyport/hostsim/okta"
	"github.com/sallyport-gateway/sallyport/hostsim/pki"
)

// The names in the manifests.
const (
	oktaHost    = "dev-123456.okta.com"
	backendHost = "backend.example.internal"
	apiHost     = "api.example.com"
	namespace   = "istio-system"
	edgeSAN     = "gateway.example.internal" // in the certificate with which the gateway comes to the backend
)

// patience bounds every wait of a test; a machine that is busy may need some of it.
const patience = 60 * time.Second

// world is what stands around the gateway: Okta and the backend, each with TLS of its own.
type world struct {
	org      *okta.Org
	key      string // the portal's API key
	secret   string // the gateway's at Okta
	ca       *pki.CA
	files    string // folder with ca.pem
	okta     string // host:port
	backend  string
	requests atomic.Int64 // that the backend saw
	last     atomic.Value // its last request: http.Header
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{key: "key-of-the-portal", secret: "secret-of-the-gateway", files: t.TempDir()}
	var err error
	if w.ca, err = pki.NewCA("Sites", time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.files+"/ca.pem", w.ca.CertPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	w.org, err = okta.New(okta.Config{
		Issuer: "https://" + oktaHost + "/oauth2/default", Scopes: []string{"customers.read"}, AccessTokenLifetime: time.Hour,
		Clients: []okta.Client{{ID: "0oa1gateway", Secret: w.secret}, {ID: "0oa1portal", Secret: "s", Scopes: []string{"customers.read"}}},
		Users:   []okta.User{{ID: "00u1", Login: "ada@example.com", Password: "p"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.okta = serveTLS(t, w.org.Handler(), &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{w.server(t, oktaHost)}})
	site := demo.BackendConfig{
		Certificate: w.server(t, backendHost), ClientCAs: w.ca.Pool(), ClientSAN: edgeSAN,
		AllowedSources: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	}
	inner := site.Handler()
	w.backend = serveTLS(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.requests.Add(1)
		w.last.Store(r.Header.Clone())
		inner.ServeHTTP(rw, r)
	}), site.TLSConfig())
	return w
}

func (w *world) server(t *testing.T, host string) tls.Certificate {
	t.Helper()
	issued, err := w.ca.Server(host)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := issued.TLS()
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// serveTLS serves on loopback and answers host:port.
func serveTLS(t *testing.T, h http.Handler, config *tls.Config) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.TLS = config
	s.Config.ErrorLog = quiet
	s.StartTLS()
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s.Listener.Addr().String()
}

func (w *world) digest() string {
	sum := sha256.Sum256([]byte(w.key))
	return hex.EncodeToString(sum[:])
}

// token is one of Okta's, with these scopes.
func (w *world) token(t *testing.T, scopes ...string) string {
	t.Helper()
	token, err := w.org.IssueToken(okta.TokenRequest{ClientID: "0oa1portal", User: "ada@example.com", Scopes: scopes, Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// secrets are the objects that `kubectl create secret` makes, for Istio.
func (w *world) secrets(t *testing.T) string {
	t.Helper()
	client, err := w.ca.Client(edgeSAN)
	if err != nil {
		t.Fatal(err)
	}
	edge, err := w.ca.Server(apiHost)
	if err != nil {
		t.Fatal(err)
	}
	secret := func(name string, cert *pki.Cert) string {
		return fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata: {name: %s, namespace: %s}\nstringData: {}\ndata:\n  tls.crt: %s\n  tls.key: %s\n  ca.crt: %s\n",
			name, namespace, base64Of(cert.CertPEM), base64Of(cert.KeyPEM), base64Of(w.ca.CertPEM()))
	}
	return secret("backend-client", client) + "---\n" + secret("sallyport-gateway", edge)
}

// answer is what a client of the gateway got.
type answer struct {
	status int
	reason string
	body   string
}

func (a answer) String() string { return strings.TrimSpace(strconv.Itoa(a.status) + " " + a.reason) }

// ask sends one request to the gateway. Headers are names and values in turn.
func (e *edge) ask(path string, headers ...string) (answer, error) {
	r, err := http.NewRequestWithContext(e.t.Context(), http.MethodGet, "https://"+e.address+path, nil)
	if err != nil {
		return answer{}, err
	}
	r.Host = apiHost
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := e.client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return answer{response.StatusCode, response.Header.Get("x-sallyport-reason"), string(body)}, err
}

func (e *edge) want(what, want, path string, headers ...string) {
	e.t.Helper()
	got, err := e.ask(path, headers...)
	if err != nil {
		e.t.Errorf("%s: %v", what, err)
	} else if got.String() != want {
		e.t.Errorf("%s: %s, want %s: %.200s", what, got, want, got.body)
	}
}

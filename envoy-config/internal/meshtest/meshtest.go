// Package meshtest has the surroundings of a gateway in the tests of the manifests: Okta and a backend, each with TLS
// of its own, on loopback.
package meshtest

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/envoy-config/demo"
	"github.com/sallyport-gateway/sallyport/hostsim/okta"
	"github.com/sallyport-gateway/sallyport/hostsim/pki"
)

// The names in the manifests.
const (
	OktaHost    = "dev-123456.okta.com"
	BackendHost = "backend.example.internal"
	APIHost     = "api.example.com"
	// GatewaySAN is in the certificate that the gateway presents to the backend.
	GatewaySAN = "gateway.example.internal"
)

// Order is a path that a good request may read.
const Order = "/customers/v1/orders/42"

// Site is one such surrounding.
type Site struct {
	Org           *okta.Org
	Key, Secret   string // the portal's API key; the gateway's secret at Okta
	CA            *pki.CA
	CAFile        string // path of its certificate
	Okta, Backend string // host:port

	requests atomic.Int64
	last     atomic.Value // http.Header
	mu       sync.Mutex
	seen     []Seen
}

// Seen is a request as the backend got it.
type Seen struct {
	Target  string
	Headers http.Header
}

// New runs a site until the test ends.
func New(t *testing.T) *Site {
	t.Helper()
	s := &Site{Key: "key-of-the-portal", Secret: "secret-of-the-gateway", CAFile: filepath.Join(t.TempDir(), "ca.pem")}
	var err error
	if s.CA, err = pki.NewCA("Sites", time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.CAFile, s.CA.CertPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Org, err = okta.New(okta.Config{
		Issuer: "https://" + OktaHost + "/oauth2/default", Scopes: []string{"customers.read"}, AccessTokenLifetime: time.Hour,
		Clients: []okta.Client{{ID: "0oa1gateway", Secret: s.Secret}, {ID: "0oa1portal", Secret: "s", Scopes: []string{"customers.read"}}},
		Users:   []okta.User{{ID: "00u1", Login: "ada@example.com", Password: "p"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Okta = serve(t, s.Org.Handler(), &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{s.server(t, OktaHost)}})
	site := demo.BackendConfig{
		Certificate: s.server(t, BackendHost), ClientCAs: s.CA.Pool(), ClientSAN: GatewaySAN,
		AllowedSources: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	}
	inner := site.Handler()
	s.Backend = serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		s.last.Store(r.Header.Clone())
		s.mu.Lock()
		s.seen = append(s.seen, Seen{r.RequestURI, r.Header.Clone()})
		s.mu.Unlock()
		inner.ServeHTTP(w, r)
	}), site.TLSConfig())
	return s
}

func (s *Site) server(t *testing.T, host string) tls.Certificate {
	t.Helper()
	issued, err := s.CA.Server(host)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := issued.TLS()
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// serve serves on loopback and returns host:port. A handshake that a test makes fail is not worth a line.
func serve(t *testing.T, h http.Handler, config *tls.Config) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.TLS, s.Config.ErrorLog = config, log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.Listener.Addr().String()
}

// Requests is how many the backend saw.
func (s *Site) Requests() int64 { return s.requests.Load() }

// LastHeaders are the headers of the backend's last request.
func (s *Site) LastHeaders() http.Header {
	last, _ := s.last.Load().(http.Header)
	return last
}

// Take returns what the backend has seen, and forgets it.
func (s *Site) Take() []Seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen
	s.seen = nil
	return seen
}

// Digest is the SHA-256 of the API key, in hex.
func (s *Site) Digest() string {
	sum := sha256.Sum256([]byte(s.Key))
	return hex.EncodeToString(sum[:])
}

// Token is a new token from Okta, with these scopes.
func (s *Site) Token(t *testing.T, scopes ...string) string {
	t.Helper()
	token, err := s.Org.IssueToken(okta.TokenRequest{ClientID: "0oa1portal", User: "ada@example.com", Scopes: scopes, Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// With are the headers, names and values in turn, of a request with the key and this token.
func (s *Site) With(token string) []string {
	return []string{"x-api-key", s.Key, "authorization", "Bearer " + token}
}

// Good are the headers of a request that is let through.
func (s *Site) Good(t *testing.T) []string {
	t.Helper()
	return s.With(s.Token(t, "customers.read"))
}

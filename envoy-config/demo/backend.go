// Package demo is everything in one process: a person logs in at a simulated
// Okta, a portal calls an API through the gateway, the gateway runs the
// compiled filter, and the backend behind it demands 2-way TLS from an allowed
// address.
package demo

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// maxBackendBody bounds what the backend reads of a request.
const maxBackendBody = 1 << 20

// identityPrefix starts every header in which the gateway says who is calling.
const identityPrefix = "x-sallyport-"

// BackendConfig says whom the backend serves. All fields are required: with an
// empty one it serves no one.
type BackendConfig struct {
	Certificate tls.Certificate
	ClientCAs   *x509.CertPool
	// ClientSAN is the DNS name or URI that the gateway's certificate must carry.
	ClientSAN string
	// AllowedSources are the addresses that connections may come from.
	AllowedSources []netip.Prefix
}

// TLSConfig demands a client certificate of ClientCAs with ClientSAN in the
// handshake. HTTP/1.1 only, which is what the gateway speaks.
func (c BackendConfig) TLSConfig() *tls.Config {
	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{c.Certificate},
		ClientCAs:    c.ClientCAs,
		ClientAuth:   tls.RequireAndVerifyClientCert,
		NextProtos:   []string{"http/1.1"},
		// Also run for resumed sessions, unlike VerifyPeerCertificate.
		VerifyConnection: func(state tls.ConnectionState) error {
			if c.ClientSAN == "" || !slices.Contains(sans(state.PeerCertificates[0]), c.ClientSAN) {
				return errors.New("client certificate is not the gateway's")
			}
			return nil
		},
	}
}

func sans(cert *x509.Certificate) []string {
	names := slices.Clone(cert.DNSNames)
	for _, u := range cert.URIs {
		names = append(names, u.String())
	}
	return names
}

// Echo is the backend's answer: what it saw, never a secret's value.
type Echo struct {
	API     string `json:"api"`
	Version string `json:"version"`
	Method  string `json:"method"`
	Path    string `json:"path"`
	// Query has only names: a value might be a key.
	Query []string `json:"query,omitempty"`
	// Identity is what the gateway says about the caller.
	Identity map[string]string `json:"identity"`
	// CredentialsSeen names credentials that should not have come this far or that
	// the gateway is configured to pass on; their values are not repeated.
	CredentialsSeen []string `json:"credentials_seen,omitempty"`
	ClientSANs      []string `json:"client_certificate,omitempty"`
	BodyBytes       int      `json:"body_bytes,omitempty"`
	Order           any      `json:"order,omitempty"`
	// Figures are what the portal's dashboard shows besides orders.
	Figures []Figure `json:"figures,omitempty"`
}

// Handler answers /customers/v1/… and /customers/v2/… to allowed addresses.
func (c BackendConfig) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/customers/{version}/{rest...}", serveCustomers)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusNotFound, map[string]string{"error": "no such API"})
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := c.allowed(r.RemoteAddr); err != nil {
			answer(w, http.StatusForbidden, map[string]string{"error": err.Error()})
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (c BackendConfig) allowed(remote string) error {
	addr, err := netip.ParseAddrPort(remote)
	if err != nil {
		return errors.New("source address cannot be read")
	}
	source := addr.Addr().Unmap()
	for _, prefix := range c.AllowedSources {
		if prefix.Contains(source) {
			return nil
		}
	}
	return fmt.Errorf("source address %s is not allowed", source)
}

func serveCustomers(w http.ResponseWriter, r *http.Request) {
	version := r.PathValue("version")
	order, ok := orders[version]
	if !ok {
		answer(w, http.StatusNotFound, map[string]string{"error": "no such version"})
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBackendBody))
	if err != nil {
		answer(w, http.StatusRequestEntityTooLarge, map[string]string{"error": "body too large"})
		return
	}
	echo := Echo{
		API: "customers", Version: version, Method: r.Method, Path: r.URL.Path,
		Identity: map[string]string{}, BodyBytes: len(body),
	}
	for name := range r.URL.Query() {
		echo.Query = append(echo.Query, name)
	}
	slices.Sort(echo.Query)
	for name, values := range r.Header {
		if name = strings.ToLower(name); strings.HasPrefix(name, identityPrefix) {
			echo.Identity[name] = strings.Join(values, ", ")
		}
	}
	for _, name := range []string{"authorization", "x-api-key", "cookie"} {
		if r.Header.Get(name) != "" {
			echo.CredentialsSeen = append(echo.CredentialsSeen, name)
		}
	}
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		echo.ClientSANs = sans(r.TLS.PeerCertificates[0])
	}
	if id, ok := strings.CutPrefix(r.PathValue("rest"), "orders/"); ok {
		if echo.Figures = figures[id]; echo.Figures == nil {
			echo.Order = order(id)
		}
	}
	answer(w, http.StatusOK, echo)
}

// Figure is one number of a dashboard, with what it counts.
type Figure struct {
	Label string `json:"label"`
	Value string `json:"value"`
}

// figures are the resources besides single orders, by the last part of the
// path.
var figures = map[string][]Figure{
	"sales":     {{"Orders", "128"}, {"Revenue", "5,376.00 EUR"}, {"Returns", "3"}},
	"shipments": {{"In transit", "17"}, {"Late", "2"}},
	"invoices":  {{"Open", "9"}, {"Overdue", "1"}, {"Total", "410.00 EUR"}},
}

// orders is how each version of the API shows an order.
var orders = map[string]func(id string) any{
	"v1": func(id string) any { return map[string]any{"id": id, "total": "42.00 EUR"} },
	"v2": func(id string) any {
		return map[string]any{"id": id, "total": map[string]any{"amount": "42.00", "currency": "EUR"}}
	},
}

func answer(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte("{}")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(body, '\n'))
}

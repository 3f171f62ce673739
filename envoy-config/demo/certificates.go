package demo

import (
	"crypto/tls"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/pki"
)

// The names that certificates are issued for. The demo connects to addresses of
// this machine and checks these names.
const (
	oktaName    = "okta.demo.internal"
	backendName = "backend.demo.internal"
	gatewaySAN  = "spiffe://sallyport.demo/gateway"
)

// certificates are all certificates of the demo; they are also in files of dir.
type certificates struct {
	ca                                    *pki.CA
	dir                                   string
	okta, backend, gateway, gatewayClient tls.Certificate
}

// file is the path of one of the files: "ca.pem", "gateway-key.pem".
func (c *certificates) file(name string) string { return filepath.Join(c.dir, name) }

func newCertificates(dir string) (*certificates, error) {
	ca, err := pki.NewCA("Sallyport demo CA", time.Now())
	if err != nil {
		return nil, err
	}
	c := &certificates{ca: ca, dir: dir}
	loopback := []string{"127.0.0.1", "localhost"}
	files := map[string]*pki.Cert{}
	var problems []error
	add := func(name string, into *tls.Certificate, cert *pki.Cert, err error) {
		if err == nil {
			files[name] = cert
			*into, err = cert.TLS()
		}
		problems = append(problems, err)
	}
	okta, err := ca.Server(append(loopback, oktaName)...)
	add("okta", &c.okta, okta, err)
	backend, err := ca.Server(append(loopback, backendName)...)
	add("backend", &c.backend, backend, err)
	gateway, err := ca.Server(loopback...)
	add("gateway", &c.gateway, gateway, err)
	client, err := ca.Client(gatewaySAN)
	add("gateway-client", &c.gatewayClient, client, err)
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("make certificates: %w", err)
	}
	return c, pki.WriteDir(dir, ca, files)
}

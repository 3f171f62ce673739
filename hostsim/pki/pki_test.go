package pki_test

import (
	"crypto/tls"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/pki"
)

func newCA(t *testing.T, name string) *pki.CA {
	t.Helper()
	ca, err := pki.NewCA(name, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func must(t *testing.T) func(*pki.Cert, error) tls.Certificate {
	return func(c *pki.Cert, err error) tls.Certificate {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		pair, err := c.TLS()
		if err != nil {
			t.Fatal(err)
		}
		return pair
	}
}

// handshake says what each side thought of the other.
func handshake(t *testing.T, server, client *tls.Config) (serverErr, clientErr error) {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	done := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			_, err = conn.Write([]byte("x")) // makes the handshake
			conn.Close()
		}
		done <- err
	}()
	conn, clientErr := tls.Dial("tcp", listener.Addr().String(), client)
	if clientErr == nil {
		_, clientErr = conn.Read(make([]byte, 1)) // TLS 1.3 refuses a client after its handshake
		conn.Close()
	}
	return <-done, clientErr
}

func TestTwoWayTLS(t *testing.T) {
	ca, stranger := newCA(t, "ca"), newCA(t, "stranger")
	cert := must(t)
	const name = "backend.internal"
	server := cert(ca.Server(name, "127.0.0.1"))
	for _, tc := range []struct {
		name     string
		server   tls.Certificate
		client   tls.Certificate
		serverOK bool
		clientOK bool
	}{
		{"good", server, cert(ca.Client("spiffe://sallyport/gateway")), true, true},
		{"client of a wrong CA", server, cert(stranger.Client("spiffe://sallyport/gateway")), false, false},
		{"client expired", server, cert(ca.ExpiredClient("spiffe://sallyport/gateway")), false, false},
		{"server certificate as client", server, server, false, false},
		{"server of a wrong CA", cert(stranger.Server(name)), cert(ca.Client("x")), false, false},
		{"server with a wrong SAN", cert(ca.Server("other.internal")), cert(ca.Client("x")), false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			serverErr, clientErr := handshake(t,
				&tls.Config{Certificates: []tls.Certificate{tc.server}, ClientCAs: ca.Pool(), ClientAuth: tls.RequireAndVerifyClientCert},
				&tls.Config{RootCAs: ca.Pool(), ServerName: name, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
					return &tc.client, nil
				}})
			if (serverErr == nil) != tc.serverOK || (clientErr == nil) != tc.clientOK {
				t.Errorf("server: %v; client: %v", serverErr, clientErr)
			}
		})
	}
}

func TestLeafNeedsAPurpose(t *testing.T) {
	if _, err := newCA(t, "ca").Issue(pki.Leaf{Name: "x"}); err == nil {
		t.Error("a certificate for nothing was issued")
	}
}

func TestWriteDir(t *testing.T) {
	ca := newCA(t, "ca")
	client, err := ca.Client("gateway")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "certs")
	if err := pki.WriteDir(dir, ca, map[string]*pki.Cert{"gateway": client}); err != nil {
		t.Fatal(err)
	}
	if _, err := tls.LoadX509KeyPair(filepath.Join(dir, "gateway.pem"), filepath.Join(dir, "gateway-key.pem")); err != nil {
		t.Error(err)
	}
	key, err := os.Stat(filepath.Join(dir, "gateway-key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if key.Mode().Perm() != 0o600 {
		t.Errorf("key has mode %v", key.Mode())
	}
	if _, err := os.Stat(filepath.Join(dir, "ca.pem")); errors.Is(err, os.ErrNotExist) {
		t.Error("ca.pem is missing")
	}
}

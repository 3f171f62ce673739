// Package pki makes certificate authorities and certificates for tests and the
// demo: good ones, and ones that a careful peer must refuse. Everything is made
// in memory; WriteDir puts it where a real Envoy can read it.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Life is how long certificates are valid unless the leaf says otherwise. They
// begin Backdate before they are made, for peers whose clocks are behind.
const (
	Life     = 30 * 24 * time.Hour
	Backdate = time.Hour
)

// CA signs certificates. Make one with NewCA.
type CA struct {
	cert *x509.Certificate
	key  crypto.Signer
	now  time.Time
	pem  []byte
}

// Cert is a certificate with its key, both PEM. The certificate stands alone:
// its CA is the root.
type Cert struct {
	CertPEM, KeyPEM []byte
}

// Leaf describes a certificate to issue.
type Leaf struct {
	Name string // subject common name; no decision should rest on it
	// SANs are DNS names, IP addresses or URIs (those with "://").
	SANs []string
	// Server and Client are the purposes of the key; at least one is needed.
	Server, Client bool
	// NotBefore and NotAfter: zero means now-Backdate and now+Life.
	NotBefore, NotAfter time.Time
}

// NewCA makes a self-signed authority. Everything it signs is dated relative to now.
func NewCA(name string, now time.Time) (*CA, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key of CA %s: %w", name, err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(now.UnixNano()),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             now.Add(-Backdate),
		NotAfter:              now.Add(Life),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("sign CA %s: %w", name, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("parse CA %s: %w", name, err)
	}
	return &CA{cert: cert, key: key, now: now, pem: encode("CERTIFICATE", der)}, nil
}

// CertPEM is the authority's own certificate.
func (ca *CA) CertPEM() []byte { return ca.pem }

// Pool trusts this authority alone.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	return pool
}

// Server issues a good server certificate for hosts (DNS names or addresses).
func (ca *CA) Server(hosts ...string) (*Cert, error) {
	return ca.Issue(Leaf{Name: strings.Join(hosts[:min(1, len(hosts))], ""), SANs: hosts, Server: true})
}

// Client issues a good client certificate for sans.
func (ca *CA) Client(sans ...string) (*Cert, error) {
	return ca.Issue(Leaf{Name: strings.Join(sans[:min(1, len(sans))], ""), SANs: sans, Client: true})
}

// ExpiredClient issues a client certificate that ended a minute before now.
func (ca *CA) ExpiredClient(sans ...string) (*Cert, error) {
	return ca.Issue(Leaf{Name: "expired", SANs: sans, Client: true,
		NotBefore: ca.now.Add(-2 * Backdate), NotAfter: ca.now.Add(-time.Minute)})
}

// Issue makes a key and a certificate for leaf.
func (ca *CA) Issue(leaf Leaf) (*Cert, error) {
	template, err := ca.template(leaf)
	if err != nil {
		return nil, fmt.Errorf("issue certificate %s: %w", leaf.Name, err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key of %s: %w", leaf.Name, err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, key.Public(), ca.key)
	if err != nil {
		return nil, fmt.Errorf("sign certificate %s: %w", leaf.Name, err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode key of %s: %w", leaf.Name, err)
	}
	return &Cert{CertPEM: encode("CERTIFICATE", der), KeyPEM: encode("PRIVATE KEY", keyDER)}, nil
}

func (ca *CA) template(leaf Leaf) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: leaf.Name},
		NotBefore:    leaf.NotBefore,
		NotAfter:     leaf.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	if t.NotBefore.IsZero() {
		t.NotBefore = ca.now.Add(-Backdate)
	}
	if t.NotAfter.IsZero() {
		t.NotAfter = ca.now.Add(Life)
	}
	if leaf.Server {
		t.ExtKeyUsage = append(t.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	if leaf.Client {
		t.ExtKeyUsage = append(t.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	}
	if t.ExtKeyUsage == nil {
		return nil, errors.New("for neither servers nor clients")
	}
	for _, san := range leaf.SANs {
		if ip := net.ParseIP(san); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else if strings.Contains(san, "://") {
			u, err := url.Parse(san)
			if err != nil {
				return nil, fmt.Errorf("parse SAN: %w", err)
			}
			t.URIs = append(t.URIs, u)
		} else {
			t.DNSNames = append(t.DNSNames, san)
		}
	}
	return t, nil
}

// TLS is the certificate as crypto/tls wants it.
func (c *Cert) TLS() (tls.Certificate, error) { return tls.X509KeyPair(c.CertPEM, c.KeyPEM) }

// WriteDir writes ca.pem, and NAME.pem and NAME-key.pem for each certificate,
// into dir, which it creates if missing. Only the owner can read the keys.
func WriteDir(dir string, ca *CA, certs map[string]*Cert) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make certificate folder: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ca.pem"), ca.pem, 0o644); err != nil {
		return fmt.Errorf("write CA: %w", err)
	}
	for name, c := range certs {
		if err := os.WriteFile(filepath.Join(dir, name+".pem"), c.CertPEM, 0o644); err != nil {
			return fmt.Errorf("write certificate %s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+"-key.pem"), c.KeyPEM, 0o600); err != nil {
			return fmt.Errorf("write key of %s: %w", name, err)
		}
	}
	return nil
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

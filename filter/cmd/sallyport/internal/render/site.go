package render

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// TLS is how the gateway connects to a server, or a client to the gateway.
type TLS string

// Mutual is TLS with a client certificate, Server TLS with only the server's, and Plain none at all. Mesh leaves it to
// the mesh, whose sidecars speak mutual TLS with certificates of their own.
const (
	Mutual TLS = "mutual"
	Server TLS = "tls"
	Plain  TLS = "plain"
	Mesh   TLS = "mesh"
)

// Endpoint is one address of a backend.
type Endpoint struct {
	Host string // a name, or an IP address without brackets
	Port int
}

// Backend is where the requests for one API go, or those for all others.
type Backend struct {
	API       string // NAME or NAME/VERSION; "" for all others
	Endpoints []Endpoint
}

// ParseBackends reads HOST:PORT, and API=HOST:PORT or API/VERSION=HOST:PORT for an API with a backend of its own. Those
// for the same requests are one backend with several endpoints. The first backend is the one for all others, which must
// be there.
func ParseBackends(texts []string) ([]Backend, error) {
	all := []Backend{{}}
	for _, text := range texts {
		api, address, own := strings.Cut(text, "=")
		if !own {
			api, address = "", text
		}
		host, portText, err := net.SplitHostPort(address)
		port, portErr := portNumber(portText)
		if err != nil || portErr != nil || host == "" || own && api == "" {
			return nil, fmt.Errorf("--backend must be host:port, got %q; for one API: API=host:port", text)
		}
		i := slices.IndexFunc(all, func(b Backend) bool { return b.API == api })
		if i < 0 {
			i, all = len(all), append(all, Backend{API: api})
		}
		all[i].Endpoints = append(all[i].Endpoints, Endpoint{host, port})
	}
	if len(all[0].Endpoints) == 0 {
		return nil, fmt.Errorf("--backend: give one without an API too, for requests to all others")
	}
	return all, nil
}

// cluster is what Envoy calls the backend.
func (b Backend) cluster() string {
	if b.API == "" {
		return "backend"
	}
	return "backend-" + strings.ReplaceAll(b.API, "/", "-")
}

// isIP reports whether a host is an address: no name for SNI, and a certificate is for it as an IP.
func isIP(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

func (e Endpoint) String() string { return net.JoinHostPort(e.Host, strconv.Itoa(e.Port)) }

// DefaultTLS is how to connect to backends by default: by mutual TLS, and in Istio's mesh by the mesh's own.
func DefaultTLS(istio bool, backends []Backend) TLS {
	if istio && !slices.ContainsFunc(backends, func(b Backend) bool { return !inMesh(b.Endpoints[0].Host) }) {
		return Mesh
	}
	return Mutual
}

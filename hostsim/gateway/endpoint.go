package gateway

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// maxAnswer bounds the body of an answer: one byte more than the host takes of a
// callout, so that the host itself sees that it is too long.
const maxAnswer = 32<<20 + 1

// Endpoint is a real HTTP server: what Envoy calls a cluster with one host. It
// is an upstream.Cluster for callouts on a real clock.
type Endpoint struct {
	// Base has the scheme and the host to connect to; its path is not used. The
	// server is sent the request's own :authority.
	Base *url.URL
	// Transport sends, and is required: see NewTransport. Redirects are not
	// followed and cookies not kept, as in Envoy.
	Transport http.RoundTripper
}

// NewTransport is a transport that adds nothing: HTTP/1.1, no compression of its
// own, no proxy from the environment. config may be nil for plain HTTP. The
// caller closes its idle connections.
func NewTransport(config *tls.Config) *http.Transport {
	return &http.Transport{
		TLSClientConfig: config, DisableCompression: true, ForceAttemptHTTP2: false,
		MaxIdleConnsPerHost: maxIdle, IdleConnTimeout: idleTime,
	}
}

// Bounds of a transport's idle connections.
const (
	maxIdle  = 64
	idleTime = 30 * time.Second
)

// Answer sends the call when the host asks for it.
func (e Endpoint) Answer(c upstream.Call) upstream.Answer {
	return upstream.Answer{Wait: func(ctx context.Context) upstream.Answer {
		return e.send(ctx, c.Headers, c.Body, c.Trailers)
	}}
}

// send makes a request of wire headers and an Answer of what comes back; what
// goes wrong on the way is a Fault.
func (e Endpoint) send(ctx context.Context, headers abi.Headers, body []byte, trailers abi.Headers) upstream.Answer {
	req, err := e.request(ctx, headers, body, trailers)
	if err != nil {
		return upstream.Fail(upstream.FaultReset)
	}
	resp, err := e.Transport.RoundTrip(req)
	if err != nil {
		return upstream.Fail(faultOf(err))
	}
	defer resp.Body.Close()
	a := upstream.Answer{Status: resp.StatusCode, Headers: wireHeaders(resp.Header)}
	a.Body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		a.Fault = upstream.FaultResetMidBody
	}
	a.Trailers = wireHeaders(resp.Trailer)
	return a
}

func (e Endpoint) request(ctx context.Context, headers abi.Headers, body []byte, trailers abi.Headers) (*http.Request, error) {
	method, _ := headers.Get(":method")
	path, _ := headers.Get(":path")
	authority, _ := headers.Get(":authority")
	req, err := http.NewRequestWithContext(ctx, method, "/", bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make upstream request: %w", err)
	}
	req.URL = &url.URL{Scheme: e.Base.Scheme, Host: e.Base.Host, Opaque: path}
	if strings.HasPrefix(path, "//") { // an opaque part that begins like this would name a host
		req.URL.Opaque = "//" + authority + path
	}
	req.Host = authority
	if len(body) == 0 {
		req.Body, req.GetBody = http.NoBody, nil
	}
	req.Header = httpHeader(headers)
	if _, ok := headers.Get("user-agent"); !ok {
		req.Header["User-Agent"] = []string{""} // none, not Go's own
	}
	if len(trailers) > 0 {
		req.Trailer, req.ContentLength = httpHeader(trailers), -1
	}
	return req, nil
}

// faultOf names an error of the transport as Envoy's router would.
func faultOf(err error) upstream.Fault {
	var (
		dial    *net.OpError
		refused *tls.CertificateVerificationError
		foreign x509.UnknownAuthorityError
		name    x509.HostnameError
		record  tls.RecordHeaderError
		timeout net.Error
	)
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return upstream.FaultTimeout
	case errors.As(err, &dial) && dial.Op == "dial",
		errors.As(err, &refused), errors.As(err, &foreign), errors.As(err, &name), errors.As(err, &record):
		return upstream.FaultRefuse
	case strings.Contains(err.Error(), "malformed HTTP"): // net/http has no type for it
		return upstream.FaultNotHTTP
	}
	return upstream.FaultReset
}

// hopByHop belongs to one connection, not to the request (RFC 9110 section 7.6.1).
var hopByHop = []string{
	"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
	// Go writes these from the request itself.
	"host", "content-length",
}

// wireHeaders is h in lower case, by name: net/http does not keep the order.
func wireHeaders(h http.Header) abi.Headers {
	var out abi.Headers
	for name, values := range h {
		if name = strings.ToLower(name); slices.Contains(hopByHop, name) {
			continue
		}
		for _, v := range values {
			out = append(out, abi.Header{Name: name, Value: v})
		}
	}
	slices.SortStableFunc(out, func(a, b abi.Header) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// httpHeader is h without pseudo headers and headers of one connection.
func httpHeader(h abi.Headers) http.Header {
	out := http.Header{}
	for _, f := range h {
		name := strings.ToLower(f.Name)
		if !strings.HasPrefix(name, ":") && !slices.Contains(hopByHop, name) {
			out.Add(name, f.Value)
		}
	}
	return out
}

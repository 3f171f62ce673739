// Package gateway puts a simulated host into real traffic: an http.Handler that
// passes each request through the plugin of a hostsim.Host and then to a real
// upstream, with real callouts. It is for demos and tests, not for production.
//
// Unlike Envoy it holds whole bodies in memory, loses the order and the letter
// case of header names (net/http does), and lets net/http refuse a header value
// with CR or LF that a guest has set, where Envoy would send it.
package gateway

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

// DefaultMaxBody is the largest request body that a Gateway takes unless configured otherwise.
const DefaultMaxBody = 1 << 20

// DefaultTimeout is how long the upstream may take: Envoy's default route timeout.
const DefaultTimeout = 15 * time.Second

// Config says what a Gateway stands between.
type Config struct {
	// Host runs on hostsim.RealClock.
	Host *hostsim.Host
	// Upstream takes what the plugin lets pass.
	Upstream Endpoint
	// MaxBody bounds a request body in bytes: beyond it, 413. 0 means DefaultMaxBody.
	MaxBody int64
	// Timeout bounds the upstream's answer; 0 means DefaultTimeout.
	Timeout time.Duration
	// Done is called when an exchange is over; it may be nil. It may be called from several goroutines.
	Done func(Record)
}

// Record describes a request that was answered.
type Record struct {
	Request *http.Request
	Stream  *hostsim.Stream
	Status  int // what the client got
	Began   time.Time
	Took    time.Duration
}

// Gateway is an http.Handler. Requests go to the host's workers in turn.
type Gateway struct {
	cfg  Config
	next atomic.Uint64
}

// New checks cfg. The caller closes the host after the server.
func New(cfg Config) (*Gateway, error) {
	if cfg.Host == nil || cfg.Upstream.Base == nil || cfg.Upstream.Transport == nil {
		return nil, errors.New("gateway: host and upstream are required")
	}
	if cfg.Host.Clock() != hostsim.RealClock() {
		return nil, errors.New("gateway: the host must run on the real clock")
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = DefaultMaxBody
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	return &Gateway{cfg: cfg}, nil
}

// ServeHTTP plays one exchange. A stream that ends without a response closes the connection.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	workers := uint64(g.cfg.Host.Process().Workers())
	stream, err := g.cfg.Host.NewStream(int((g.next.Add(1)-1)%workers), streamInfo(r))
	if err != nil {
		http.Error(w, "no healthy upstream", http.StatusServiceUnavailable)
		return
	}
	x := &exchange{gateway: g, stream: stream, client: w, request: r, began: time.Now()}
	defer func() {
		x.end()
		// Also when the client left with its response, which ends the handler by a panic.
		if x.answered && g.cfg.Done != nil {
			g.cfg.Done(Record{Request: r, Stream: stream, Status: x.status, Began: x.began, Took: time.Since(x.began)})
		}
	}()
	if !x.feed() {
		return
	}
	x.run()
	if !x.answered {
		panic(http.ErrAbortHandler)
	}
}

func streamInfo(r *http.Request) hostsim.StreamInfo {
	info := hostsim.StreamInfo{RemoteAddr: r.RemoteAddr, Protocol: r.Proto}
	if r.TLS == nil {
		return info
	}
	info.TLS = &hostsim.TLSInfo{
		Version:    "TLSv" + strings.TrimPrefix(tls.VersionName(r.TLS.Version), "TLS "),
		ServerName: r.TLS.ServerName,
		PeerValid:  len(r.TLS.VerifiedChains) > 0,
	}
	if len(r.TLS.PeerCertificates) > 0 {
		peer := r.TLS.PeerCertificates[0]
		sum := sha256.Sum256(peer.Raw)
		info.TLS.PeerPresented = true
		info.TLS.PeerSubject = peer.Subject.String()
		info.TLS.PeerSHA256 = hex.EncodeToString(sum[:])
		if len(peer.URIs) > 0 {
			info.TLS.PeerURISAN = peer.URIs[0].String()
		}
		if len(peer.DNSNames) > 0 {
			info.TLS.PeerDNSSAN = peer.DNSNames[0]
		}
	}
	return info
}

// requestHeaders are the request's headers as on the wire, with the target
// verbatim, so that the plugin judges what the client wrote.
func requestHeaders(r *http.Request) abi.Headers {
	path := r.RequestURI
	if !strings.HasPrefix(path, "/") {
		path = r.URL.RequestURI()
	}
	h := abi.Headers{
		{Name: ":method", Value: r.Method}, {Name: ":path", Value: path}, {Name: ":authority", Value: r.Host},
	}
	if r.ContentLength > 0 {
		h = append(h, abi.Header{Name: "content-length", Value: strconv.FormatInt(r.ContentLength, 10)})
	}
	return append(h, wireHeaders(r.Header)...)
}

// feed gives the stream the client's request. It returns false when the client is
// gone or was answered that its body is too large.
func (x *exchange) feed() bool {
	r := x.request
	noBody := r.Body == nil || r.Body == http.NoBody
	if x.stream.RequestHeaders(requestHeaders(r), noBody) != nil || noBody {
		return true
	}
	x.early = true
	if x.drain(); x.answered { // refused by its headers: the body is not waited for
		return true
	}
	x.early = false
	body, err := io.ReadAll(http.MaxBytesReader(x.client, r.Body, x.gateway.cfg.MaxBody))
	if err != nil {
		x.stream.ClientGone()
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			http.Error(x.client, "Payload Too Large", http.StatusRequestEntityTooLarge)
			x.answered, x.status = true, http.StatusRequestEntityTooLarge
			return false
		}
		panic(http.ErrAbortHandler)
	}
	trailers := wireHeaders(r.Trailer)
	if len(body) > 0 || len(trailers) == 0 {
		if x.stream.RequestBody(body, len(trailers) == 0) != nil {
			return true
		}
	}
	if len(trailers) > 0 {
		_ = x.stream.RequestTrailers(trailers) // the only error is that the stream is over
	}
	return true
}

package verbatim

import (
	"context"
	"errors"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// GRPCServer is an HTTP/2 server without TLS. It reads a request to its end, records it, and answers, or fails, as a
// scenario says.
type GRPCServer struct {
	recorder
	listener net.Listener
	http     *http.Server
	running  sync.WaitGroup
}

type connKey struct{}

// NewGRPCServer listens; Close ends it.
func NewGRPCServer(a scenario.Answer) (*GRPCServer, error) {
	listener, err := listen()
	if err != nil {
		return nil, err
	}
	s := &GRPCServer{recorder: recorder{answer: a, cut: true}, listener: listener}
	s.http = &http.Server{
		Handler: http.HandlerFunc(s.serve), Protocols: new(http.Protocols), ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
	}
	s.http.Protocols.SetUnencryptedHTTP2(true)
	s.running.Go(func() { _ = s.http.Serve(listener) }) // ends with Close
	return s, nil
}

// Address is host:port.
func (s *GRPCServer) Address() string { return s.listener.Addr().String() }

// Close breaks all connections.
func (s *GRPCServer) Close() error {
	err := s.http.Close()
	s.running.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func (s *GRPCServer) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxMessage))
	seen := scenario.Request{Method: r.Method, Target: r.RequestURI, Body: body, Trailers: sortedHeaders(r.Trailer),
		Headers: append([]scenario.Header{{Name: "host", Value: r.Host}}, sortedHeaders(r.Header)...)}
	a := s.record(Seen{Request: seen, Incomplete: err != nil})
	wait := time.NewTimer(a.Delay)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-r.Context().Done():
	}
	conn, _ := r.Context().Value(connKey{}).(net.Conn)
	switch a.Fault {
	case scenario.FaultTimeout:
		<-r.Context().Done()
	case scenario.FaultReset:
		Reset(conn)
		_ = conn.Close()
	case scenario.FaultNotHTTP:
		SpeakNoHTTP(conn)
		_ = conn.Close()
	case scenario.FaultResetMidBody:
		half(w, a.OnWire())
		panic(http.ErrAbortHandler) // RST_STREAM
	case scenario.FaultTimeoutMidBody:
		half(w, a.OnWire())
		<-r.Context().Done()
	default:
		answer(w, a.OnWire())
	}
}

// half sends the head and half of the body.
func half(w http.ResponseWriter, r scenario.Response) {
	addHeaders(w, "", r.Headers)
	w.WriteHeader(r.Status)
	_, _ = w.Write(r.Body[:len(r.Body)/2])
	_ = http.NewResponseController(w).Flush() // whoever is gone needs no answer
}

// answer sends a response. Without a message the trailers are in the head, as gRPC's servers send them.
func answer(w http.ResponseWriter, r scenario.Response) {
	if len(r.Body) == 0 {
		addHeaders(w, "", r.Trailers)
	}
	addHeaders(w, "", r.Headers)
	w.WriteHeader(r.Status)
	if len(r.Body) > 0 {
		_, _ = w.Write(r.Body)
		addHeaders(w, http.TrailerPrefix, r.Trailers)
	}
}

// addHeaders also keeps net/http from adding some of its own.
func addHeaders(w http.ResponseWriter, prefix string, headers []scenario.Header) {
	w.Header()["Date"], w.Header()["Content-Length"] = nil, nil
	for _, h := range headers {
		w.Header().Add(prefix+h.Name, h.Value)
	}
}

// sortedHeaders are lines in the order of their names: net/http has lost the one on the wire.
func sortedHeaders(h http.Header) (out []scenario.Header) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			out = append(out, scenario.Header{Name: name, Value: value})
		}
	}
	return out
}

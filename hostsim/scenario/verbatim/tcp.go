// Package verbatim serves and sends HTTP/1.1 as it stands on the wire, and TCP below it: net/http joins and renames
// headers, and its server cannot break a connection in the middle of an answer. Only its server for gRPC is of net/http.
package verbatim

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
)

// NotHTTP is what a server says first that does not speak HTTP.
const NotHTTP = "SSH-2.0-OpenSSH_9.6\r\n"

// Listener listens on a free port of 127.0.0.1. Its methods may be called from several goroutines.
type Listener struct {
	listener net.Listener
	serve    func(net.Conn)
	done     chan struct{}
	running  sync.WaitGroup

	mu   sync.Mutex
	open map[net.Conn]bool
}

// Listen serves each connection in a goroutine of its own; it is closed when serve returns.
func Listen(serve func(net.Conn)) (*Listener, error) {
	listener, err := listen()
	if err != nil {
		return nil, err
	}
	s := &Listener{listener: listener, serve: serve, done: make(chan struct{}), open: map[net.Conn]bool{}}
	s.running.Go(s.accept)
	return s, nil
}

func listen() (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for a cluster: %w", err)
	}
	return listener, nil
}

// Address is host:port.
func (s *Listener) Address() string { return s.listener.Addr().String() }

// Done is closed when Close begins: who waits on a connection should end.
func (s *Listener) Done() <-chan struct{} { return s.done }

// Close breaks all connections and waits until none is served. It may be called once.
func (s *Listener) Close() error {
	close(s.done)
	err := s.listener.Close()
	s.mu.Lock()
	for c := range s.open {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
	return err
}

func (s *Listener) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return // closed
		}
		if s.track(conn) {
			s.running.Go(func() {
				defer s.forget(conn)
				s.serve(conn)
			})
		}
	}
}

// track reports whether the connection is to be served: it may have been accepted while Close was under way.
func (s *Listener) track(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.done:
		_ = conn.Close()
		return false
	default:
		s.open[conn] = true
		return true
	}
}

func (s *Listener) forget(conn net.Conn) {
	_ = conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, conn)
}

// Reset makes the closing of a connection a RST, where it would be a FIN.
func Reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}

// AwaitPeer returns when the peer sends something or gives up.
func AwaitPeer(in interface{ Peek(int) ([]byte, error) }) { _, _ = in.Peek(1) }

// SpeakNoHTTP says something that is no HTTP.
func SpeakNoHTTP(conn net.Conn) { _, _ = io.WriteString(conn, NotHTTP) }

package fidelity

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario/verbatim"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// server stands behind a cluster: it records requests verbatim and answers, or fails, as the case says.
type server struct {
	*verbatim.Listener

	mu     sync.Mutex
	answer Answer
	got    []message
}

func newServer(a Answer) (*server, error) {
	s := &server{answer: a}
	var err error
	s.Listener, err = verbatim.Listen(s.serve)
	return s, err
}

func (s *server) setAnswer(a Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = a
}

func (s *server) seen() []message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got
}

func (s *server) serve(conn net.Conn) {
	in := bufio.NewReader(conn)
	for {
		m, ok := readRequest(in)
		if !ok {
			return // the peer left
		}
		s.mu.Lock()
		s.got = append(s.got, m)
		answer := s.answer
		s.mu.Unlock()
		if m.incomplete || !s.reply(conn, in, m.method, answer) {
			return
		}
	}
}

// reply reports whether the connection can serve another request.
func (s *server) reply(conn net.Conn, in *bufio.Reader, method string, a Answer) bool {
	if a.Delay > 0 {
		wait := time.NewTimer(a.Delay)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-s.Done():
			return false
		}
	}
	switch a.Fault {
	case "":
		_, err := io.WriteString(conn, a.onWire(method, len(a.Body)))
		return err == nil
	case upstream.FaultReset:
		verbatim.Reset(conn)
	case upstream.FaultNotHTTP:
		verbatim.SpeakNoHTTP(conn)
	case upstream.FaultResetMidBody, upstream.FaultTimeoutMidBody:
		_, _ = io.WriteString(conn, a.onWire(method, len(a.Body)/2))
		if a.Fault == upstream.FaultResetMidBody {
			return false // with FIN: a RST could overtake the head
		}
		verbatim.AwaitPeer(in)
	default: // never
		verbatim.AwaitPeer(in)
	}
	return false
}

// framing is the header that tells where the body ends, unless the case gives one or there can be no body.
func (a Answer) framing() (name, value string) {
	_, given := a.Headers.Get("content-length")
	switch {
	case given || a.bodyless():
		return "", ""
	case len(a.Trailers) > 0:
		return "transfer-encoding", "chunked"
	}
	return "content-length", strconv.Itoa(len(a.Body))
}

func (a Answer) bodyless() bool {
	return a.Status == http.StatusNoContent || a.Status == http.StatusNotModified
}

// onWire is the response with the first n bytes of its body.
func (a Answer) onWire(method string, n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", a.Status, http.StatusText(a.Status))
	writeHeaders(&b, a.Headers)
	if name, value := a.framing(); name != "" {
		b.WriteString(name + ": " + value + "\r\n")
	}
	b.WriteString("\r\n")
	if !a.bodyless() && method != http.MethodHead {
		b.WriteString(framedBody(a.Body[:n], a.Trailers, len(a.Trailers) > 0))
	}
	return b.String()
}

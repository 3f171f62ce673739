package verbatim

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// MaxMessage bounds what is read of one message.
const MaxMessage = 16 << 20

// Server is an HTTP/1.1 server that records requests verbatim and answers, or fails, as a scenario says.
type Server struct {
	*Listener

	mu     sync.Mutex
	answer scenario.Answer
	seen   []scenario.Request
	total  uint64 // of requests seen, over all exchanges
}

func NewServer(a scenario.Answer) (*Server, error) {
	s := &Server{answer: a}
	var err error
	s.Listener, err = Listen(s.serve)
	return s, err
}

func (s *Server) SetAnswer(a scenario.Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = a
}

// Take answers the requests seen since the last Take.
func (s *Server) Take() []scenario.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen
	s.seen = nil
	return seen
}

func (s *Server) Total() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total
}

func (s *Server) serve(conn net.Conn) {
	in := bufio.NewReader(conn)
	for {
		r, err := readRequest(in)
		if err != nil {
			return // the peer left
		}
		s.mu.Lock()
		s.seen = append(s.seen, r)
		s.total++
		answer := s.answer
		s.mu.Unlock()
		if !s.reply(conn, in, r.Method, answer) {
			return
		}
	}
}

// reply reports whether the connection can serve another request.
func (s *Server) reply(conn net.Conn, in *bufio.Reader, method string, a scenario.Answer) bool {
	switch a.Fault {
	case scenario.FaultTimeout:
		AwaitPeer(in)
		return false
	case scenario.FaultReset:
		Reset(conn)
		return false
	case scenario.FaultNotHTTP:
		SpeakNoHTTP(conn)
		return false
	case scenario.FaultResetMidBody:
		// Ends with FIN: a RST could overtake the head.
		whole := a.OnWire()
		half := whole
		half.Body = whole.Body[:len(whole.Body)/2]
		_ = writeResponse(conn, method, half, len(whole.Body))
		return false
	case scenario.FaultSlow:
		wait := time.NewTimer(a.Delay)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-s.Done():
			return false
		}
	}
	whole := a.OnWire()
	return writeResponse(conn, method, whole, len(whole.Body)) == nil
}

// writeResponse writes the headers verbatim, and a content-length where they give neither one nor a coding.
func writeResponse(w io.Writer, method string, r scenario.Response, length int) error {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", r.Status, http.StatusText(r.Status))
	writeHeaders(&b, r.Headers)
	hasBody := r.Status != http.StatusNoContent && r.Status != http.StatusNotModified
	if hasBody && !framed(r.Headers) {
		fmt.Fprintf(&b, "content-length: %d\r\n", length)
	}
	b.WriteString("\r\n")
	if hasBody && method != http.MethodHead {
		b.Write(r.Body)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeHeaders(b *strings.Builder, headers []scenario.Header) {
	for _, h := range headers {
		b.WriteString(h.Name + ": " + h.Value + "\r\n")
	}
}

// framed reports whether the headers say where the body ends.
func framed(headers []scenario.Header) bool {
	for _, h := range headers {
		if strings.EqualFold(h.Name, "content-length") || strings.EqualFold(h.Name, "transfer-encoding") {
			return true
		}
	}
	return false
}

// readRequest reads one request and keeps target and headers as they are on the wire.
func readRequest(in *bufio.Reader) (scenario.Request, error) {
	line, err := readLine(in)
	if err != nil {
		return scenario.Request{}, err
	}
	method, rest, _ := strings.Cut(line, " ")
	target, ok := strings.CutSuffix(rest, " HTTP/1.1")
	if !ok {
		return scenario.Request{}, errors.New("read request: the first line is not one of HTTP/1.1")
	}
	r := scenario.Request{Method: method, Target: target}
	length, chunked := 0, false
	for {
		line, err := readLine(in)
		if err != nil {
			return scenario.Request{}, err
		}
		if line == "" {
			break
		}
		name, value, _ := strings.Cut(line, ":")
		value = strings.Trim(value, " \t")
		r.Headers = append(r.Headers, scenario.Header{Name: name, Value: value})
		switch strings.ToLower(name) {
		case "content-length":
			if length, err = strconv.Atoi(value); err != nil || length > MaxMessage {
				return scenario.Request{}, fmt.Errorf("read request: content-length %q", value)
			}
		case "transfer-encoding":
			chunked = true
		}
	}
	r.Body, err = readBody(in, length, chunked)
	return r, err
}

func readBody(in *bufio.Reader, length int, chunked bool) ([]byte, error) {
	if !chunked {
		body := make([]byte, length)
		_, err := io.ReadFull(in, body)
		return body, err
	}
	body, err := io.ReadAll(io.LimitReader(httputil.NewChunkedReader(in), MaxMessage))
	for err == nil { // trailers, up to the empty line
		var line string
		if line, err = readLine(in); line == "" {
			break
		}
	}
	return body, err
}

func readLine(in *bufio.Reader) (string, error) {
	line, err := in.ReadString('\n')
	return strings.TrimRight(line, "\r\n"), err
}

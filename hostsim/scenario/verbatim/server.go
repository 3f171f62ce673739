package verbatim

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// MaxMessage bounds what is read of one message.
const MaxMessage = 64 << 20

// Seen is a request that a server read.
type Seen struct {
	scenario.Request
	Incomplete bool // the connection ended within the body
}

// Server is an HTTP/1.1 server that records requests verbatim and answers, or fails, as a scenario says.
type Server struct {
	*Listener
	recorder
}

// NewServer listens; Close ends it.
func NewServer(a scenario.Answer) (*Server, error) {
	s := &Server{recorder: recorder{answer: a}}
	var err error
	s.Listener, err = Listen(s.serve)
	return s, err
}

func (s *Server) serve(conn net.Conn) {
	in := bufio.NewReader(conn)
	for {
		r, err := readRequest(in)
		if err != nil {
			return // the peer left
		}
		answer := s.record(r)
		if r.Incomplete || !s.reply(conn, in, r.Method, answer) {
			return
		}
	}
}

// reply reports whether the connection can serve another request.
func (s *Server) reply(conn net.Conn, in *bufio.Reader, method string, a scenario.Answer) bool {
	if a.Delay > 0 {
		wait := time.NewTimer(a.Delay)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-s.Done():
			return false
		}
	}
	r := a.OnWire()
	switch a.Fault {
	case scenario.FaultTimeout:
		AwaitPeer(in)
	case scenario.FaultReset:
		Reset(conn)
	case scenario.FaultNotHTTP:
		SpeakNoHTTP(conn)
	case scenario.FaultResetMidBody: // ends with FIN: a RST could overtake the head
		_, _ = io.WriteString(conn, response(r, method, len(r.Body)/2))
	case scenario.FaultTimeoutMidBody:
		_, _ = io.WriteString(conn, response(r, method, len(r.Body)/2))
		AwaitPeer(in)
	default:
		_, err := io.WriteString(conn, response(r, method, len(r.Body)))
		return err == nil
	}
	return false
}

// Framing is the header that says where the body of an answer ends: "" where the answer has one, or has no body.
func Framing(r scenario.Response) (name, value string) {
	switch {
	case isFramed(r.Headers) || bodyless(r.Status):
		return "", ""
	case len(r.Trailers) > 0:
		return "transfer-encoding", "chunked"
	}
	return "content-length", strconv.Itoa(len(r.Body))
}

func bodyless(status int) bool {
	return status == http.StatusNoContent || status == http.StatusNotModified
}

// response is one on the wire, with the first n bytes of its body.
func response(r scenario.Response, method string, n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", r.Status, http.StatusText(r.Status))
	writeHeaders(&b, r.Headers)
	if name, value := Framing(r); name != "" {
		b.WriteString(name + ": " + value + "\r\n")
	}
	b.WriteString("\r\n")
	if !bodyless(r.Status) && method != http.MethodHead {
		b.WriteString(framed(r.Body[:n], r.Trailers))
	}
	return b.String()
}

// framed is a body on the wire: chunked where it has trailers.
func framed(body []byte, trailers []scenario.Header) string {
	if len(trailers) == 0 {
		return string(body)
	}
	var b strings.Builder
	if len(body) > 0 {
		b.WriteString(chunk(body))
	}
	b.WriteString("0\r\n")
	writeHeaders(&b, trailers)
	b.WriteString("\r\n")
	return b.String()
}

func chunk(piece []byte) string { return fmt.Sprintf("%x\r\n%s\r\n", len(piece), piece) }

func writeHeaders(b *strings.Builder, headers []scenario.Header) {
	for _, h := range headers {
		b.WriteString(h.Name + ": " + h.Value + "\r\n")
	}
}

// isFramed reports whether the headers say where the body ends.
func isFramed(headers []scenario.Header) bool {
	return slices.ContainsFunc(headers, func(h scenario.Header) bool {
		return strings.EqualFold(h.Name, "content-length") || strings.EqualFold(h.Name, "transfer-encoding")
	})
}

// readRequest reads one request and keeps target and headers as they are on the wire. The error is for one whose head
// does not come.
func readRequest(in *bufio.Reader) (Seen, error) {
	line, err := readLine(in)
	if err != nil {
		return Seen{}, err
	}
	method, rest, _ := strings.Cut(line, " ")
	target, ok := strings.CutSuffix(rest, " HTTP/1.1")
	if !ok {
		return Seen{}, errors.New("read request: the first line is not one of HTTP/1.1")
	}
	r := Seen{Request: scenario.Request{Method: method, Target: target}}
	if r.Headers, err = readHeaders(in); err != nil {
		return Seen{}, err
	}
	length, chunked := 0, false
	for _, h := range r.Headers {
		switch strings.ToLower(h.Name) {
		case "content-length":
			if length, err = strconv.Atoi(h.Value); err != nil || length < 0 || length > MaxMessage {
				return Seen{}, fmt.Errorf("read request: content-length %q", h.Value)
			}
		case "transfer-encoding":
			chunked = true
		}
	}
	if chunked {
		r.Body, err = io.ReadAll(io.LimitReader(httputil.NewChunkedReader(in), MaxMessage))
		if err == nil {
			r.Trailers, err = readHeaders(in)
		}
	} else {
		r.Body = make([]byte, length)
		_, err = io.ReadFull(in, r.Body)
	}
	r.Incomplete = err != nil
	return r, nil
}

// readHeaders reads to the empty line.
func readHeaders(in *bufio.Reader) (out []scenario.Header, err error) {
	for {
		line, err := readLine(in)
		if err != nil || line == "" {
			return out, err
		}
		name, value, _ := strings.Cut(line, ":")
		out = append(out, scenario.Header{Name: name, Value: strings.Trim(value, " \t")})
	}
}

func readLine(in *bufio.Reader) (string, error) {
	line, err := in.ReadString('\n')
	return strings.TrimRight(line, "\r\n"), err
}

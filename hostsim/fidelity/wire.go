package fidelity

import (
	"bufio"
	"context"
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

	"github.com/sallyport-gateway/sallyport/hostsim"
)

const (
	// maxMessage bounds what is read of one message's body.
	maxMessage = 64 << 20
	// betweenPieces is long enough for Envoy to read one piece before the next comes.
	betweenPieces = 40 * time.Millisecond
	// responseTimeout bounds one exchange.
	responseTimeout = 20 * time.Second
)

// send plays a request on a connection of its own to its end. A connection that breaks is a response too.
func send(ctx context.Context, address string, r *Request) (response, error) {
	ctx, cancel := context.WithTimeout(ctx, responseTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return response{}, fmt.Errorf("connect to envoy: %w", err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	go writeRequest(conn, r) // ends when the connection closes; an answer may come before all is written
	if r.Gone > 0 {
		time.Sleep(r.Gone)
		return response{left: true}, nil
	}
	in := bufio.NewReader(conn)
	got, err := http.ReadResponse(in, &http.Request{Method: r.Method})
	for err == nil && got.StatusCode < http.StatusOK { // interim, such as 100
		got, err = http.ReadResponse(in, &http.Request{Method: r.Method})
	}
	if err != nil {
		if errors.Is(context.Cause(ctx), errHangs) {
			return response{hangs: true}, nil
		}
		if ctx.Err() != nil {
			return response{}, fmt.Errorf("no response to %s %s: %w", r.Method, r.Target, ctx.Err())
		}
		return response{reset: true}, nil
	}
	defer got.Body.Close()
	out := response{status: got.StatusCode, headers: sortedHeaders(got.Header)}
	if got.Close { // net/http takes the header away
		out.headers = append(out.headers, hostsim.Header{Name: "connection", Value: "close"})
	}
	out.body, err = io.ReadAll(io.LimitReader(got.Body, maxMessage))
	out.hangs = err != nil && errors.Is(context.Cause(ctx), errHangs)
	out.reset = err != nil && !out.hangs
	out.trailers = sortedHeaders(got.Trailer)
	if err == nil && in.Buffered() > 0 {
		out.excess, _ = in.Peek(in.Buffered()) // what is buffered is there
	}
	return out, nil
}

// errHangs is why a client gives up: Envoy is done with its request, and the client waits for more.
var errHangs = errors.New("the client waits for more than Envoy sends")

func sortedHeaders(h http.Header) hostsim.Headers {
	var out hostsim.Headers
	for name, values := range h {
		if name == "Connection" {
			continue
		}
		for _, v := range values {
			out = append(out, hostsim.Header{Name: strings.ToLower(name), Value: v})
		}
	}
	slices.SortStableFunc(out, func(a, b hostsim.Header) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func writeRequest(conn net.Conn, r *Request) {
	var head strings.Builder
	fmt.Fprintf(&head, "%s %s HTTP/1.1\r\nhost: %s\r\n", r.Method, r.Target, r.Host)
	writeHeaders(&head, r.Headers)
	chunked := len(r.Trailers) > 0
	_, framed := r.Headers.Get("content-length")
	switch {
	case chunked:
		head.WriteString("transfer-encoding: chunked\r\n")
	case len(r.Body) > 0 && !framed:
		fmt.Fprintf(&head, "content-length: %d\r\n", len(r.Body))
	}
	head.WriteString("\r\n")
	if r.Pieces == 0 {
		_, _ = io.WriteString(conn, head.String()+framedBody(r.Body, r.Trailers, chunked))
		return
	}
	_, _ = io.WriteString(conn, head.String())
	for piece := range slices.Chunk(r.Body, r.Pieces) {
		time.Sleep(betweenPieces)
		text := string(piece)
		if chunked {
			text = fmt.Sprintf("%x\r\n%s\r\n", len(piece), piece)
		}
		if _, err := io.WriteString(conn, text); err != nil {
			return
		}
	}
	if chunked {
		time.Sleep(betweenPieces)
		_, _ = io.WriteString(conn, framedBody(nil, r.Trailers, true))
	}
}

// framedBody is a body on the wire; chunked, with its trailers.
func framedBody(body []byte, trailers hostsim.Headers, chunked bool) string {
	if !chunked {
		return string(body)
	}
	var b strings.Builder
	if len(body) > 0 {
		fmt.Fprintf(&b, "%x\r\n%s\r\n", len(body), body)
	}
	b.WriteString("0\r\n")
	writeHeaders(&b, trailers)
	b.WriteString("\r\n")
	return b.String()
}

func writeHeaders(b *strings.Builder, headers hostsim.Headers) {
	for _, h := range headers {
		b.WriteString(h.Name + ": " + h.Value + "\r\n")
	}
}

// readRequest reads one request as it is on the wire. With ok false there was none.
func readRequest(in *bufio.Reader) (m message, ok bool) {
	first, err := readLine(in)
	words := strings.Fields(first)
	if err != nil || len(words) != 3 {
		return m, false
	}
	m.method, m.target = words[0], words[1]
	headers, err := readHeaders(in)
	if err != nil {
		return m, false
	}
	length, chunked := 0, false
	for _, h := range headers {
		switch strings.ToLower(h.Name) {
		case "host":
			m.authority = h.Value
			continue
		case "content-length":
			length, err = strconv.Atoi(h.Value)
		case "transfer-encoding":
			chunked = true
		}
		m.headers = append(m.headers, h)
	}
	if err != nil || length < 0 || length > maxMessage {
		return m, false
	}
	if chunked {
		m.body, err = io.ReadAll(io.LimitReader(httputil.NewChunkedReader(in), maxMessage))
		if err == nil {
			m.trailers, err = readHeaders(in)
		}
	} else {
		m.body = make([]byte, length)
		_, err = io.ReadFull(in, m.body)
	}
	m.incomplete = err != nil
	return m, true
}

func readHeaders(in *bufio.Reader) (hostsim.Headers, error) {
	var out hostsim.Headers
	for {
		text, err := readLine(in)
		if err != nil || text == "" {
			return out, err
		}
		name, value, ok := strings.Cut(text, ":")
		if !ok {
			return nil, errors.New("read headers: a line without a colon")
		}
		out = append(out, hostsim.Header{Name: name, Value: strings.Trim(value, " \t")})
	}
}

func readLine(in *bufio.Reader) (string, error) {
	text, err := in.ReadString('\n')
	return strings.TrimRight(text, "\r\n"), err
}

package verbatim

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// betweenPieces is long enough for a proxy to read one piece of a body before the next comes.
const betweenPieces = 40 * time.Millisecond

// ErrHangs is the cause by which a client gives up that has part of a response and waits for more than there is: see
// Exchange.
var ErrHangs = errors.New("the client waits for more than is sent")

// Reply is what a client got, a response that ends badly among it.
type Reply struct {
	scenario.Response        // of status 0 when there was none
	Left              bool   // the client did not wait
	Reset             bool   // the connection broke
	Hangs             bool   // see ErrHangs
	Excess            []byte // what came behind the response
}

// Send writes the request verbatim over a connection of its own and reads the response to its end.
func Send(ctx context.Context, address string, r scenario.Request) (scenario.Response, error) {
	in, done, err := begin(ctx, address, r)
	if err != nil {
		return scenario.Response{}, err
	}
	defer done()
	response, err := ReadResponse(in, r.Method)
	if err != nil {
		return response, errors.Join(fmt.Errorf("read the response: %w", err), ctx.Err())
	}
	return response, nil
}

// Exchange is Send for a response that may end badly. gone is after how long the client leaves; 0 for never.
func Exchange(ctx context.Context, address string, r scenario.Request, gone time.Duration) (Reply, error) {
	in, done, err := begin(ctx, address, r)
	if err != nil {
		return Reply{}, err
	}
	defer done()
	if gone > 0 {
		time.Sleep(gone)
		return Reply{Left: true}, nil
	}
	var reply Reply
	reply.Response, err = ReadResponse(in, r.Method)
	switch {
	case err == nil:
		reply.Excess, _ = in.Peek(in.Buffered()) // what is buffered is there
	case errors.Is(context.Cause(ctx), ErrHangs):
		reply.Hangs = true
	case reply.Status == 0 && ctx.Err() != nil:
		return reply, fmt.Errorf("no response to %s %s: %w", r.Method, r.Target, ctx.Err())
	default:
		reply.Reset = true
	}
	return reply, nil
}

// begin sends a request. An answer may come, and the connection be closed, before all of it is written: the answer
// counts, not the write.
func begin(ctx context.Context, address string, r scenario.Request) (in *bufio.Reader, done func(), err error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, nil, fmt.Errorf("connect: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	go writeRequest(conn, r) // ends when the connection closes
	return bufio.NewReader(conn), func() { stop(); _ = conn.Close() }, nil
}

func writeRequest(conn net.Conn, r scenario.Request) {
	if r.Pieces == 0 {
		_, _ = io.WriteString(conn, OnWire(r))
		return
	}
	chunked := len(r.Trailers) > 0
	if _, err := io.WriteString(conn, head(r)); err != nil {
		return
	}
	for piece := range slices.Chunk(r.Body, r.Pieces) {
		time.Sleep(betweenPieces)
		text := string(piece)
		if chunked {
			text = chunk(piece)
		}
		if _, err := io.WriteString(conn, text); err != nil {
			return
		}
	}
	if chunked {
		time.Sleep(betweenPieces)
		_, _ = io.WriteString(conn, framed(nil, r.Trailers))
	}
}

// OnWire is the request as Send writes it, but for pieces. One with trailers is chunked; one with a body has a length,
// unless its headers say where it ends.
func OnWire(r scenario.Request) string { return head(r) + framed(r.Body, r.Trailers) }

func head(r scenario.Request) string {
	var b strings.Builder
	b.WriteString(r.Method + " " + r.Target + " HTTP/1.1\r\n")
	writeHeaders(&b, r.Headers)
	switch {
	case len(r.Trailers) > 0:
		b.WriteString("transfer-encoding: chunked\r\n")
	case len(r.Body) > 0 && !isFramed(r.Headers):
		fmt.Fprintf(&b, "content-length: %d\r\n", len(r.Body))
	}
	b.WriteString("\r\n")
	return b.String()
}

// ReadResponse reads the response to a request of that method, after those that are interim. With an error it gives what
// came before.
func ReadResponse(in *bufio.Reader, method string) (scenario.Response, error) {
	resp, err := http.ReadResponse(in, &http.Request{Method: method})
	for err == nil && resp.StatusCode < http.StatusOK { // interim, such as 100
		resp, err = http.ReadResponse(in, &http.Request{Method: method})
	}
	if err != nil {
		return scenario.Response{}, err
	}
	defer resp.Body.Close()
	r := scenario.Response{Status: resp.StatusCode, Headers: sorted(resp.Header)}
	if resp.Close { // net/http takes the header away
		r.Headers = append(r.Headers, scenario.Header{Name: "Connection", Value: "close"})
	}
	r.Body, err = io.ReadAll(io.LimitReader(resp.Body, MaxMessage))
	r.Trailers = sorted(resp.Trailer)
	return r, err
}

func sorted(h http.Header) (out []scenario.Header) {
	names := make([]string, 0, len(h))
	for name := range h {
		if name != "Connection" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range h[name] {
			out = append(out, scenario.Header{Name: name, Value: value})
		}
	}
	return out
}

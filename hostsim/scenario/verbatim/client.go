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

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// Send writes the request verbatim over a connection of its own and reads the response to its end.
func Send(ctx context.Context, address string, r scenario.Request) (scenario.Response, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return scenario.Response{}, fmt.Errorf("connect to envoy: %w", err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()

	// Envoy may answer, and close, before it has read a long body: the answer counts, not the write.
	_, writeErr := io.WriteString(conn, OnWire(r))
	response, err := ReadResponse(bufio.NewReader(conn), r.Method)
	if err != nil {
		return response, errors.Join(fmt.Errorf("read the response: %w", err), writeErr, ctx.Err())
	}
	return response, nil
}

// OnWire is the request as Send writes it.
func OnWire(r scenario.Request) string {
	var b strings.Builder
	b.WriteString(r.Method + " " + r.Target + " HTTP/1.1\r\n")
	writeHeaders(&b, r.Headers)
	if len(r.Body) > 0 && !framed(r.Headers) {
		fmt.Fprintf(&b, "content-length: %d\r\n", len(r.Body))
	}
	b.WriteString("\r\n")
	b.Write(r.Body)
	return b.String()
}

// ReadResponse reads the response to a request of that method, after those that are interim.
func ReadResponse(in *bufio.Reader, method string) (scenario.Response, error) {
	resp, err := http.ReadResponse(in, &http.Request{Method: method})
	for err == nil && resp.StatusCode < http.StatusOK { // interim, such as 100
		resp, err = http.ReadResponse(in, &http.Request{Method: method})
	}
	if err != nil {
		return scenario.Response{}, err
	}
	defer resp.Body.Close()
	r := scenario.Response{Status: resp.StatusCode}
	names := make([]string, 0, len(resp.Header))
	for name := range resp.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range resp.Header[name] {
			r.Headers = append(r.Headers, scenario.Header{Name: name, Value: value})
		}
	}
	r.Body, err = io.ReadAll(io.LimitReader(resp.Body, MaxMessage))
	return r, err
}

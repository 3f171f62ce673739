package meshtest

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// maxAnswer bounds what is read of a gateway's answer.
const maxAnswer = 1 << 20

// Client sends requests to one gateway.
type Client struct {
	address string
	http    *http.Client
}

// Client sends requests for APIHost to the gateway at host:port, whose certificate is from the site's CA.
func (s *Site) Client(t *testing.T, address string) *Client {
	c := &Client{address: address, http: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: s.CA.Pool(), ServerName: APIHost, MinVersion: tls.VersionTLS12},
	}}}
	t.Cleanup(c.http.CloseIdleConnections)
	return c
}

// Response is what a client of the gateway got.
type Response struct {
	Status int
	Reason string // the filter's, "" if it did not refuse
	Body   string
}

// String is the status and the reason.
func (a Response) String() string { return strings.TrimSpace(strconv.Itoa(a.Status) + " " + a.Reason) }

// Ask sends one request. Headers are names and values in turn.
func (c *Client) Ask(ctx context.Context, path string, headers ...string) (Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+c.address+path, nil)
	if err != nil {
		return Response{}, err
	}
	r.Host = APIHost
	for i := 0; i < len(headers); i += 2 {
		if strings.EqualFold(headers[i], "host") {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := c.http.Do(r)
	if err != nil {
		return Response{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return Response{response.StatusCode, response.Header.Get("x-sallyport-reason"), string(body)}, err
}

// Raw sends a request whose target no HTTP library would take, over a connection of its own. Headers are names and values in
// turn. It returns the status, 0 when the gateway only closed the connection.
func (c *Client) Raw(ctx context.Context, target string, headers ...string) (status int, err error) {
	dialer := tls.Dialer{Config: c.http.Transport.(*http.Transport).TLSClientConfig}
	conn, err := dialer.DialContext(ctx, "tcp", c.address)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(c.http.Timeout)); err != nil {
		return 0, err
	}
	request := "GET " + target + " HTTP/1.1\r\nhost: " + APIHost + "\r\nconnection: close\r\n"
	for i := 0; i < len(headers); i += 2 {
		request += headers[i] + ": " + headers[i+1] + "\r\n"
	}
	if _, err := io.WriteString(conn, request+"\r\n"); err != nil {
		return 0, err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswer))
	return response.StatusCode, err
}

// Want fails the test when the answer is not want, which is written as by Response.String.
func (c *Client) Want(t *testing.T, what, want, path string, headers ...string) {
	t.Helper()
	got, err := c.Ask(t.Context(), path, headers...)
	if err != nil {
		t.Errorf("%s: %v", what, err)
	} else if got.String() != want {
		t.Errorf("%s: %s, want %s: %.200s", what, got, want, got.Body)
	}
}

package testsite

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// maxAnswer bounds what is read of a gateway's answer.
const maxAnswer = 1 << 20

// Client asks one gateway.
type Client struct {
	address string
	http    *http.Client
}

// Client asks the gateway at host:port, whose certificate is of the site's CA, for APIHost.
func (s *Site) Client(t *testing.T, address string) *Client {
	c := &Client{address: address, http: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: s.CA.Pool(), ServerName: APIHost, MinVersion: tls.VersionTLS12},
	}}}
	t.Cleanup(c.http.CloseIdleConnections)
	return c
}

// Answer is what a client of the gateway got.
type Answer struct {
	Status int
	Reason string // the filter's, "" when it refused nothing
	Body   string
}

// String is the status and the reason.
func (a Answer) String() string { return strings.TrimSpace(strconv.Itoa(a.Status) + " " + a.Reason) }

// Ask sends one request. Headers are names and values in turn.
func (c *Client) Ask(ctx context.Context, path string, headers ...string) (Answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+c.address+path, nil)
	if err != nil {
		return Answer{}, err
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
		return Answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return Answer{response.StatusCode, response.Header.Get("x-sallyport-reason"), string(body)}, err
}

// Want fails the test when the answer is another one. It is given as Answer.String gives it.
func (c *Client) Want(t *testing.T, what, want, path string, headers ...string) {
	t.Helper()
	got, err := c.Ask(t.Context(), path, headers...)
	if err != nil {
		t.Errorf("%s: %v", what, err)
	} else if got.String() != want {
		t.Errorf("%s: %s, want %s: %.200s", what, got, want, got.Body)
	}
}

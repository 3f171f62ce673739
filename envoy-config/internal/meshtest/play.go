package meshtest

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// reportTime is after how long the filter has certainly reported what it counted: it does four times a second.
const reportTime = time.Second

// reported waits until decisions have not changed for a while.
func reported(decisions func() uint64) uint64 {
	last, since := decisions(), time.Now()
	for time.Since(since) < reportTime {
		time.Sleep(reportTime / 20)
		if now := decisions(); now != last {
			last, since = now, time.Now()
		}
	}
	return last
}

// PlaySequence checks what the shipped configuration does, from the first step to the backend, and for a public route.
func PlaySequence(t *testing.T, s *Site, c *Client, decisions func() uint64) {
	t.Helper()
	c.Want(t, "no key", "401 api_key.missing", Order)
	c.Want(t, "no token", "401 token.missing", Order, "x-api-key", s.Key)
	if n := s.Requests(); n != 0 {
		t.Errorf("the backend saw %d requests", n)
	}
	good := s.Good(t)
	c.Want(t, "a good key and a good token", "200", Order, good...)
	if seen := s.LastHeaders(); seen.Get("x-api-key") != "" || seen.Get("x-sallyport-app") != "global-customer-portal" {
		t.Errorf("the backend saw %v", seen)
	}
	if calls := s.Org.IntrospectionCalls(); calls != 1 {
		t.Errorf("Okta saw %d introspections", calls)
	}
	c.Want(t, "a token without the scope", "403 token.scope_insufficient", Order, s.With(s.Token(t, "openid"))...)
	revoked := s.Token(t, "customers.read")
	if err := s.Org.Revoke(revoked); err != nil {
		t.Fatal(err)
	}
	c.Want(t, "a token that was revoked", "401 token.inactive", Order, s.With(revoked)...)
	c.Want(t, "an address that may not come", "403", Order, append(s.Good(t), "x-forwarded-for", "203.0.113.9")...)
	c.Want(t, "an address that may", "200", Order, append(s.Good(t), "x-forwarded-for", "198.51.100.9")...)

	before, reached := reported(decisions), s.Requests()
	if before == 0 {
		t.Fatal("the filter counts nothing")
	}
	c.Want(t, "a public route", "404", "/public/a") // the backend's own answer: it has no such page
	if s.Requests() != reached+1 {
		t.Error("the backend did not see the request to the public route")
	}
	if after := reported(decisions); after != before {
		t.Errorf("the filter decided %d requests to a public route", after-before)
	}
}

// clients is how many send requests at once in Load.
const clients = 4

// Load sends good requests, one after the other from each of a few clients, and fails the test with the first that is neither let
// through nor over the rate. end stops it and returns how many there were.
func (c *Client) Load(t *testing.T, good []string) (end func() int64) {
	t.Helper()
	var group sync.WaitGroup
	var sent atomic.Int64
	stop := make(chan struct{})
	for range clients {
		group.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				sent.Add(1)
				if got, err := c.Ask(t.Context(), Order, good...); err != nil || got.Status != 200 && got.Status != 429 {
					t.Errorf("request %d: %v, %v", sent.Load(), got, err)
					return
				}
			}
		})
	}
	return func() int64 {
		close(stop)
		group.Wait()
		return sent.Load()
	}
}

// Knows reports whether the gateway has this version of the API.
func (c *Client) Knows(t *testing.T, version string, good []string) bool {
	got, err := c.Ask(t.Context(), strings.Replace(Order, "v1", version, 1), good...)
	return err == nil && got.Reason != "api.unknown" && got.Status != 429
}

// Decisions is how many requests the filter has decided, by the admin interface (host:port) of its Envoy.
func Decisions(t *testing.T, admin string) (n uint64) {
	t.Helper()
	response, err := http.Get("http://" + admin + "/stats?filter=sallyport_decisions") //nolint:noctx // a client's timeout is not needed on loopback
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		i := strings.LastIndex(line, ": ")
		if i < 0 {
			continue
		}
		value, err := strconv.ParseUint(strings.TrimSpace(line[i+2:]), 10, 64)
		if err != nil {
			t.Fatalf("read Envoy's statistics: %v", err)
		}
		n += value
	}
	return n
}

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/verbatim"
)

// outcome is how a request ended. Its reason is empty when it was admitted, or when Envoy itself answered.
type outcome struct {
	status int
	reason string
}

var (
	admitted = outcome{status: 200}
	inactive = outcome{status: 401, reason: "token.inactive"}
)

// pending is a request under way.
type pending struct {
	mark  string
	size  int                // of the request on the wire
	leave context.CancelFunc // the client closes its connection
	ended chan struct{}
	got   scenario.Response
	err   error
}

// request is one with a good key and this token, and more header names and values in turn.
func request(token string, more ...string) scenario.Request {
	r := scenario.Request{Method: http.MethodGet, Target: "/customers/v1/orders/7", Headers: []scenario.Header{
		{Name: "host", Value: "api.example.com"}, {Name: "x-api-key", Value: siteKey}, {Name: "authorization", Value: "Bearer " + token},
	}}
	for i := 0; i+1 < len(more); i += 2 {
		r.Headers = append(r.Headers, scenario.Header{Name: more[i], Value: more[i+1]})
	}
	return r
}

func post(r scenario.Request, body string) scenario.Request {
	r.Method, r.Body = http.MethodPost, []byte(body)
	return r
}

// begin sends a request to the listener, over a connection of its own.
func (s *site) begin(listener string, r scenario.Request) *pending {
	s.t.Helper()
	address, err := s.envoy.Listener(s.t.Context(), listener)
	if err != nil {
		s.t.Fatal(err)
	}
	s.sent++
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	p := &pending{mark: fmt.Sprintf("%s-%d", s.t.Name(), s.sent), leave: cancel, ended: make(chan struct{})}
	r.Headers = append(slices.Clone(r.Headers), scenario.Header{Name: "x-mark", Value: p.mark})
	p.size = len(verbatim.OnWire(r))
	go func() {
		defer close(p.ended)
		defer cancel()
		p.got, p.err = verbatim.Send(ctx, address, r)
	}()
	return p
}

// ends waits for a request and holds it against how it should end.
func (s *site) ends(what string, p *pending, want outcome) {
	s.t.Helper()
	<-p.ended
	if p.err != nil {
		s.t.Errorf("%s: %v", what, p.err)
		return
	}
	if got := (outcome{p.got.Status, scenario.HeaderValue(p.got.Headers, "x-sallyport-reason")}); got != want {
		s.t.Errorf("%s: got %+v, want %+v", what, got, want)
	}
	if want == admitted {
		s.admitted[p.mark] = true
	}
}

func (s *site) do(what, listener string, r scenario.Request, want outcome) {
	s.t.Helper()
	s.ends(what, s.begin(listener, r), want)
}

// parked begins a request and returns when the authority has been asked for its token, which it holds; go on with
// the function that is returned.
func (s *site) parked(listener string, r scenario.Request) (*pending, func()) {
	s.t.Helper()
	token := strings.TrimPrefix(scenario.HeaderValue(r.Headers, "authorization"), "Bearer ")
	letGo := s.authority.hold(token)
	p := s.begin(listener, r)
	s.asked(token)
	return p, letGo
}

func (s *site) asked(token string) {
	s.t.Helper()
	s.until("the authority was asked for "+token, func(envoyrun.Stats) bool { return s.authority.asked(token) > 0 })
}

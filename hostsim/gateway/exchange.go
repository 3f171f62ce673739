package gateway

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/event"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// exchange is one request on its way through the stream.
type exchange struct {
	gateway *Gateway
	stream  *hostsim.Stream
	client  http.ResponseWriter
	request *http.Request
	began   time.Time
	status  int // that the client got

	upstream message // what the plugin lets pass
	asked    bool    // the upstream was asked
	cancel   context.CancelFunc
	calls    sync.WaitGroup // the call to the upstream

	response message // what the client gets
	answered bool    // the client has its response
	early    bool    // the request's body is still to be read
}

// message is headers, body and trailers as the stream emits them.
type message struct {
	headers, trailers abi.Headers
	body              []byte
}

// run does what the stream asks for until it is over. A client that leaves ends the stream.
func (x *exchange) run() {
	ctx := x.request.Context()
	for {
		event, err := x.stream.Next(ctx)
		if err == nil {
			x.handle(event)
			continue
		}
		if ctx.Err() != nil {
			x.stream.ClientGone()
			if x.cancel != nil {
				x.cancel()
			}
			panic(http.ErrAbortHandler)
		}
		return // io.EOF: the stream is over
	}
}

// drain does what the stream asks for already.
func (x *exchange) drain() {
	for event, ok := x.stream.Poll(); ok; event, ok = x.stream.Poll() {
		x.handle(event)
	}
}

// end waits for the call to the upstream. It does not cut it off: the request of
// a guest that both replied and continued reaches the upstream, as in Envoy.
func (x *exchange) end() {
	x.calls.Wait()
}

func (x *exchange) handle(e event.Event) {
	switch e.Kind {
	case event.ToUpstreamHeaders:
		x.upstream.headers = e.Headers
	case event.ToUpstreamData:
		x.upstream.body = append(x.upstream.body, e.Data...)
	case event.ToUpstreamTrailers:
		x.upstream.trailers = e.Headers
	case event.UpstreamReset:
		if x.cancel != nil {
			x.cancel()
		}
	case event.ToClientHeaders:
		x.response = message{headers: e.Headers}
	case event.ToClientData:
		x.response.body = append(x.response.body, e.Data...)
	case event.ToClientTrailers:
		x.response.trailers = e.Headers
	}
	if !e.End {
		return
	}
	switch e.Kind {
	case event.ToUpstreamHeaders, event.ToUpstreamData, event.ToUpstreamTrailers:
		x.ask()
	case event.ToClientHeaders, event.ToClientData, event.ToClientTrailers:
		x.answer()
	}
}

// ask sends the request to the upstream on a goroutine of its own and feeds the answer.
func (x *exchange) ask() {
	if x.asked {
		return
	}
	x.asked = true
	// Not the client's context: net/http ends that with the handler, and run
	// watches for a client that leaves.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.request.Context()), x.gateway.cfg.Timeout)
	x.cancel = cancel
	m := x.upstream
	x.calls.Go(func() {
		defer cancel()
		x.feedAnswer(x.gateway.cfg.Upstream.send(ctx, m.headers, m.body, m.trailers))
	})
}

// feedAnswer gives the stream the upstream's answer. A stream that ends meanwhile takes no more.
func (x *exchange) feedAnswer(a upstream.Answer) {
	if a.Fault == "" && len(a.Body) >= maxAnswer {
		a.Fault = upstream.FaultReset
	}
	switch a.Fault {
	case "":
	case upstream.FaultResetMidBody:
		_ = x.stream.UpstreamFailed(upstream.FaultReset)
		return
	default:
		_ = x.stream.UpstreamFailed(a.Fault)
		return
	}
	headers := append(abi.Headers{{Name: ":status", Value: strconv.Itoa(a.Status)}}, a.Headers...)
	end := len(a.Body) == 0 && len(a.Trailers) == 0
	if x.stream.ResponseHeaders(headers, end) != nil || end {
		return
	}
	if len(a.Body) > 0 && x.stream.ResponseBody(a.Body, len(a.Trailers) == 0) != nil {
		return
	}
	if len(a.Trailers) > 0 {
		_ = x.stream.ResponseTrailers(a.Trailers)
	}
}

// answer writes the response to the client.
func (x *exchange) answer() {
	if x.answered {
		return
	}
	x.answered = true
	m := x.response
	status, _ := m.headers.Get(":status")
	code, err := strconv.Atoi(status)
	if err != nil || code < 200 || code > 999 {
		code = http.StatusBadGateway
	}
	h := x.client.Header()
	for name, values := range httpHeader(m.headers) {
		h[name] = values
	}
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil // none, not a guess of net/http
	}
	hasBody := x.request.Method != http.MethodHead && code != http.StatusNoContent && code != http.StatusNotModified
	if hasBody && len(m.trailers) == 0 {
		h.Set("Content-Length", strconv.Itoa(len(m.body)))
	}
	if x.early {
		h.Set("Connection", "close") // or net/http would wait for the body before it answers
	}
	x.status = code
	x.client.WriteHeader(code)
	if hasBody {
		x.client.Write(m.body)
	}
	for name, values := range httpHeader(m.trailers) {
		h[http.TrailerPrefix+strings.TrimPrefix(name, http.TrailerPrefix)] = values
	}
	_ = http.NewResponseController(x.client).Flush() // net/http always can; a recorder need not
}

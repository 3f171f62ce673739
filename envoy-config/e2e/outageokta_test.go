package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario/verbatim"
)

// health is how frailOkta does.
type health int

const (
	healthy health = iota
	// dead resets every connection.
	dead
	// mute takes calls and never answers.
	mute
	// limited answers 429, until limitEnds.
	limited
)

// frailOkta is an authorization server that can be taken down. It counts what reaches it, whatever becomes of it, by
// the second.
type frailOkta struct {
	listener net.Listener
	server   http.Server
	delay    time.Duration // of every answer

	mu        sync.Mutex
	start     time.Time
	health    health
	recovered chan struct{} // closed when it is healthy again
	limitEnds time.Time
	open      map[net.Conn]bool
	calls     []int // by the second since start
	inTheAir  int
	most      int // in the air at once, since the last mark
	sinceMark int // calls
}

func newFrailOkta(t *testing.T, delay time.Duration) *frailOkta {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := &frailOkta{listener: listener, delay: delay, start: time.Now(), open: map[net.Conn]bool{}, recovered: make(chan struct{})}
	o.server = http.Server{Handler: http.HandlerFunc(o.introspect), ReadHeaderTimeout: patience, ConnState: o.state}
	go func() { _ = o.server.Serve(frailListener{listener, o}) }()
	t.Cleanup(func() { _ = o.server.Close() })
	return o
}

func (o *frailOkta) address() string { return o.listener.Addr().String() }

// become changes the server's health, and is a mark. Dead, what is open is reset; healthy, what was mute is given up.
func (o *frailOkta) become(h health) (calls, most int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.health = h
	switch h {
	case dead:
		for c := range o.open {
			reset(c)
		}
	case healthy:
		close(o.recovered)
		o.recovered = make(chan struct{})
	}
	return o.marked()
}

// limit makes the server answer 429 for a while, and is a mark.
func (o *frailOkta) limit(d time.Duration) (calls, most int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.health, o.limitEnds = limited, time.Now().Add(d)
	return o.marked()
}

// mark begins a new count and answers the last one: calls, and the most of them at once.
func (o *frailOkta) mark() (calls, most int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.marked()
}

// marked is mark; the lock is held.
func (o *frailOkta) marked() (calls, most int) {
	calls, most = o.sinceMark, o.most
	o.sinceMark, o.most = 0, o.inTheAir
	return calls, most
}

// count notes a call; the lock is held.
func (o *frailOkta) count() {
	second := int(time.Since(o.start) / time.Second)
	for len(o.calls) <= second {
		o.calls = append(o.calls, 0)
	}
	o.calls[second]++
	o.sinceMark++
}

func (o *frailOkta) perSecond() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return fmt.Sprint(o.calls)
}

func (o *frailOkta) state(c net.Conn, state http.ConnState) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch state {
	case http.StateNew:
		o.open[c] = true
	case http.StateClosed, http.StateHijacked:
		delete(o.open, c)
	}
}

func (o *frailOkta) introspect(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	o.count()
	o.inTheAir++
	o.most = max(o.most, o.inTheAir)
	if o.health == limited && time.Now().After(o.limitEnds) {
		o.health = healthy
	}
	health, recovered, limitEnds := o.health, o.recovered, o.limitEnds
	o.mu.Unlock()
	defer func() {
		o.mu.Lock()
		o.inTheAir--
		o.mu.Unlock()
	}()
	body, _ := io.ReadAll(io.LimitReader(r.Body, verbatim.MaxMessage))
	form, _ := url.ParseQuery(string(body))
	switch health {
	case mute:
		select {
		case <-r.Context().Done():
		case <-recovered:
		}
		panic(http.ErrAbortHandler)
	case limited:
		w.Header().Set("x-rate-limit-limit", "1200")
		w.Header().Set("x-rate-limit-remaining", "0")
		w.Header().Set("x-rate-limit-reset", strconv.FormatInt(limitEnds.Add(time.Second-1).Unix(), 10))
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	time.Sleep(o.delay)
	w.Header().Set("content-type", "application/json")
	if strings.HasPrefix(form.Get("token"), inactivePrefix) {
		_, _ = io.WriteString(w, `{"active":false}`)
		return
	}
	_, _ = fmt.Fprintf(w, `{"active":true,"sub":"jane","exp":%d}`, time.Now().Add(time.Hour).Unix())
}

// frailListener resets connections while the server is dead; each is a call that would have come.
type frailListener struct {
	net.Listener
	okta *frailOkta
}

func (l frailListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		l.okta.mu.Lock()
		dead := l.okta.health == dead
		if dead {
			l.okta.count()
		}
		l.okta.mu.Unlock()
		if !dead {
			return c, nil
		}
		reset(c)
	}
}

// reset closes with RST.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

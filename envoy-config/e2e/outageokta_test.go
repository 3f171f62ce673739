package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// frailOkta is an authorization server that can be taken down: it then resets every connection. It counts what
// reaches it, down or up, by the second.
type frailOkta struct {
	listener net.Listener
	server   http.Server
	delay    time.Duration // of every answer

	mu        sync.Mutex
	start     time.Time
	down      bool
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
	o := &frailOkta{listener: listener, delay: delay, start: time.Now(), open: map[net.Conn]bool{}}
	o.server = http.Server{Handler: http.HandlerFunc(o.introspect), ReadHeaderTimeout: patience, ConnState: o.state}
	go func() { _ = o.server.Serve(frailListener{listener, o}) }()
	t.Cleanup(func() { _ = o.server.Close() })
	return o
}

func (o *frailOkta) address() string { return o.listener.Addr().String() }

// setDown takes the server down or up. Down, what is open is reset.
func (o *frailOkta) setDown(down bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.down = down
	for c := range o.open {
		if down {
			reset(c)
		}
	}
}

// mark begins a new count and answers the last one: calls, and the most of them at once.
func (o *frailOkta) mark() (calls, most int) {
	o.mu.Lock()
	defer o.mu.Unlock()
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
	o.mu.Unlock()
	defer func() {
		o.mu.Lock()
		o.inTheAir--
		o.mu.Unlock()
	}()
	body, _ := io.ReadAll(io.LimitReader(r.Body, maxMessage))
	form, _ := url.ParseQuery(string(body))
	time.Sleep(o.delay)
	w.Header().Set("content-type", "application/json")
	if strings.HasPrefix(form.Get("token"), inactivePrefix) {
		_, _ = io.WriteString(w, `{"active":false}`)
		return
	}
	_, _ = fmt.Fprintf(w, `{"active":true,"sub":"jane","exp":%d}`, time.Now().Add(time.Hour).Unix())
}

// frailListener resets connections while the server is down; each is a call that would have come.
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
		down := l.okta.down
		if down {
			l.okta.count()
		}
		l.okta.mu.Unlock()
		if !down {
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

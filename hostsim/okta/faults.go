package okta

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Faults makes the org misbehave from the next request on, until Clear.
// A delay combines with any one other fault; a second fault replaces the first.
// Down affects every path, all others only the back channel: token, introspect and revoke.
// The zero value has no fault. Safe for concurrent use.
type Faults struct {
	mu    sync.Mutex
	delay time.Duration
	fault func(*Org, http.ResponseWriter) // nil: none
	down  bool
}

func (f *Faults) set(down bool, fault func(*Org, http.ResponseWriter)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down, f.fault = down, fault
}

func (f *Faults) current() (down bool, delay time.Duration, fault func(*Org, http.ResponseWriter)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.down, f.delay, f.fault
}

// Clear ends every fault and the delay.
func (f *Faults) Clear() {
	f.Slow(0)
	f.set(false, nil)
}

// Slow delays every answer by d of real time; a client that leaves ends its wait.
func (f *Faults) Slow(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.delay = d
}

// Down closes the connection of every request without an answer.
func (f *Faults) Down() { f.set(true, nil) }

// Limited answers 429 with E0000047 and spent X-Rate-Limit headers.
func (f *Faults) Limited() {
	f.set(false, func(o *Org, w http.ResponseWriter) {
		o.limit.writeSpent(w.Header(), o.cfg.Now())
		errRateLimited().write(w)
	})
}

// ServerError answers with a status of 500 to 599: Okta's E0000009 for 500, and
// for all others the HTML page of a proxy in front of Okta.
func (f *Faults) ServerError(status int) {
	f.set(false, func(_ *Org, w http.ResponseWriter) {
		if status == http.StatusInternalServerError {
			errInternal(status).write(w)
			return
		}
		writeText(w, status, "text/html", "<html><head><title>"+http.StatusText(status)+"</title></head><body></body></html>\n")
	})
}

// RefuseCredentials answers 401 invalid_client whatever the credentials are.
func (f *Faults) RefuseCredentials() {
	f.set(false, func(_ *Org, w http.ResponseWriter) { invalidClient(textSecretInvalid).write(w) })
}

// NotJSON answers 200 with a text that says active, but is not JSON.
func (f *Faults) NotJSON() {
	f.set(false, func(_ *Org, w http.ResponseWriter) {
		writeText(w, http.StatusOK, "text/html", "<html><body>\"active\":true</body></html>\n")
	})
}

// Oversize answers 200 with a JSON object of n bytes (at least 40) that says
// active first, so that a reader that stops early believes it.
func (f *Faults) Oversize(n int) {
	f.set(false, func(_ *Org, w http.ResponseWriter) {
		const head, tail = `{"active":true,"pad":"`, `"}`
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, head)
		_, _ = io.Copy(w, io.LimitReader(filler{}, int64(max(n, 40)-len(head)-len(tail))))
		_, _ = io.WriteString(w, tail)
	})
}

// Garbage answers with bytes that are not HTTP. Where the connection cannot be
// taken over (HTTP/2) it is closed instead.
func (f *Faults) Garbage() {
	f.set(false, func(_ *Org, w http.ResponseWriter) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "\x00\x01garbage\r\n"+strings.Repeat("\xff", 64))
	})
}

func writeText(w http.ResponseWriter, status int, contentType, body string) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// filler reads as an endless run of x.
type filler struct{}

func (filler) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

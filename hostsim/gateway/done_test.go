package gateway_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/gateway"
)

// TestDone: each exchange is told once, with its own status and its own part of the host's trace, also when several are under
// way on one worker.
func TestDone(t *testing.T) {
	const requests = 8
	told := make(chan gateway.Record, requests)
	upstream := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	base, _ := start(t, "request_headers: get 0 x-mark", upstream, func(c *gateway.Config) {
		c.Done = func(e gateway.Record) { told <- e }
	}, hostsim.WithTrace(), hostsim.WithWorkers(1))
	var group sync.WaitGroup
	for i := range requests {
		group.Go(func() {
			r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/", nil)
			r.Header.Set("x-mark", strings.Repeat("m", i+1)) // its length is what a trace shows of a value
			resp, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
		})
	}
	group.Wait()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	for range requests {
		var e gateway.Record
		select {
		case e = <-told:
		case <-time.After(time.Minute):
			t.Fatal("an exchange was not told")
		}
		mark, marks := len(e.Request.Header.Get("x-mark")), 0
		for _, entry := range e.Stream.Trace() {
			if entry.Name == "proxy_get_header_map_value" && strings.Contains(entry.Args, "x-mark") {
				marks++
				if entry.Given != mark {
					t.Errorf("request %d has the trace of request %d", mark, entry.Given)
				}
			}
		}
		if e.Status != http.StatusTeapot || e.Took <= 0 || marks != 1 {
			t.Errorf("request %d: status %d, %v, read its mark %d times", mark, e.Status, e.Took, marks)
		}
	}
}

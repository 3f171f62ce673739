//go:build soak

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

const (
	stormRate    = 1000 // requests a second
	stormTime    = 20 * time.Second
	stormLatency = 80 * time.Millisecond // of the identity server
	goodRate     = 30                    // calls a second of everybody else
	goodCalls    = 500                   // that must have been made
	// stormPatience is how long everything but the filter waits: a machine that is busy with something else cannot serve a
	// thousand requests a second, and is no reason for a call to fail.
	stormPatience = 3 * time.Minute
)

func patiently(_, manager, _ map[string]any) {
	manager["request_timeout"], manager["stream_idle_timeout"] = "0s", "0s"
	member(manager, "route_config", "virtual_hosts", 0, "routes", 0, "route").(map[string]any)["timeout"] = "0s"
}

// TestSoakVerdictStorm: a thousand requests a second with tokens that nobody has issued, and an identity server that
// takes its time, do no harm to callers whose token is known.
func TestSoakVerdictStorm(t *testing.T) {
	for _, tt := range []struct {
		name  string
		token func(since time.Duration, n int) string
	}{
		{"one for all", func(time.Duration, int) string { return "one" }},
		{"a new one every 80 ms", func(since time.Duration, _ int) string { return strconv.Itoa(int(since / stormLatency)) }},
		{"one each", func(_ time.Duration, n int) string { return strconv.Itoa(n) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newCrowdedSite(t, wasmbuild.Package(t, "./filter"), 4*stormRate)
			s.serveCrowd("gw", fullSequence, patiently)
			for range 16 { // both workers know it
				s.do("the good token", "gw", request("good"), admitted)
			}
			s.settled()
			s.authority.slow(stormLatency)
			mark := s.envoy.Log().Len()
			storm, good := newCallers(s), newCallers(s)
			var done sync.WaitGroup
			done.Go(func() {
				storm.run(stormRate, func(since time.Duration, n int) string { return inactivePrefix + tt.token(since, n) })
			})
			done.Go(func() { good.run(goodRate, func(time.Duration, int) string { return "good" }) })
			done.Wait()

			introspections, _ := s.authority.askedInAll()
			traps, rebuilt := s.losses("gw", mark)
			t.Logf("with invented tokens %s, %d introspections; with the good token %s; %d traps, %d VMs made again", storm, introspections, good, traps, rebuilt)
			if traps+rebuilt != 0 {
				t.Error("a VM was lost")
			}
			if n := good.outcomes[admitted]; n < goodCalls || n != good.made {
				t.Errorf("with the good token: %s; want at least %d, all admitted", good, goodCalls)
			}
			if storm.made < stormRate*int(stormTime/time.Second)/2 {
				t.Errorf("%d requests with invented tokens are no storm", storm.made)
			}
			for o, n := range storm.outcomes {
				if o.reason == "" {
					t.Errorf("%d requests with invented tokens ended as %v, not by the filter's word", n, o)
				}
			}
			s.wantUnharmed()
		})
	}
}

// callers make calls at a constant rate, however long each takes.
type callers struct {
	client http.Client
	url    string

	mu       sync.Mutex
	made     int
	failed   error // the last one without a response
	outcomes map[outcome]int
	took     []time.Duration
}

func newCallers(s *site) *callers {
	s.t.Helper()
	address, err := s.envoy.Listener(s.t.Context(), "gw")
	if err != nil {
		s.t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: stormRate}
	s.t.Cleanup(transport.CloseIdleConnections)
	return &callers{
		client: http.Client{Transport: transport, Timeout: stormPatience}, url: "http://" + address + "/customers/v1/orders/7",
		outcomes: map[outcome]int{},
	}
}

// run makes rate calls a second for the time of the storm.
func (c *callers) run(rate int, token func(since time.Duration, n int) string) {
	begun := time.Now()
	var done sync.WaitGroup
	for n := 0; ; n++ {
		time.Sleep(time.Until(begun.Add(time.Duration(n) * time.Second / time.Duration(rate))))
		since := time.Since(begun)
		if since >= stormTime {
			break
		}
		done.Go(func() { c.call(token(since, n)) })
	}
	done.Wait()
}

func (c *callers) call(token string) {
	begun := time.Now()
	got, err := c.get(token)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made++
	c.took = append(c.took, time.Since(begun))
	if err != nil {
		c.failed = err
		return
	}
	c.outcomes[got]++
}

func (c *callers) get(token string) (outcome, error) {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, c.url, nil)
	if err != nil {
		return outcome{}, err
	}
	r.Host = "api.example.com"
	r.Header.Set("x-api-key", siteKey)
	r.Header.Set("authorization", "Bearer "+token)
	response, err := c.client.Do(r)
	if err != nil {
		return outcome{}, err
	}
	return outcome{response.StatusCode, response.Header.Get("x-sallyport-reason")}, response.Body.Close()
}

func (c *callers) String() string {
	slices.Sort(c.took)
	text := fmt.Sprintf("%d calls, outcomes %v", c.made, c.outcomes)
	if len(c.took) > 0 {
		text += fmt.Sprintf(", half of them within %v, 99%% within %v", c.took[len(c.took)/2].Round(time.Millisecond), c.took[len(c.took)*99/100].Round(time.Millisecond))
	}
	if c.failed != nil {
		text += ", the last failure " + c.failed.Error()
	}
	return text
}

// TestSoakVerdictStormDepth measures how many verdicts in one callback lose a VM, with a module that has no bound: the
// filter's bound must be far below.
func TestSoakVerdictStormDepth(t *testing.T) {
	const bound = 32
	for name, tt := range map[string]struct {
		token  string
		want   outcome
		change func(listener, manager, plugin map[string]any)
	}{
		"refused":                       {inactivePrefix + "deep", inactive, nil},
		"admitted to a direct_response": {"deep", admitted, answerDirectly},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, siteOptions{Module: wasmbuild.PackageTags(t, "./filter", "unboundedverdicts")})
			s.serve(plan{name: "gw", config: policies(t, keyAlone)}) // so that the module is compiled once
			tried := 0
			loses := func(n int) bool {
				tried++
				listener := fmt.Sprintf("gwdeep%d", tried)
				s.serveCrowd(listener, strings.Replace(fullSequence, "timeout: 10s", "timeout: 10s, cache: \"off\"", 1), tt.change)
				mark := s.envoy.Log().Len()
				s.storm(listener, tt.token, n, tt.want)
				traps, _ := s.losses(listener, mark)
				s.withdraw(listener)
				return traps > 0
			}
			low, high := bound, 1000
			if loses(low) || !loses(high) {
				t.Fatalf("%d verdicts in one callback lose the VM, or %d do not", low, high)
			}
			for high-low > 1 {
				if middle := (low + high) / 2; loses(middle) {
					high = middle
				} else {
					low = middle
				}
			}
			t.Logf("%d verdicts in one callback lose the VM; the filter gives %d", high, bound)
			if high < 4*bound {
				t.Errorf("the VM is lost by %d verdicts in one callback, which is less than 4 times %d", high, bound)
			}
		})
	}
}

package demo

import (
	"net/http"
	"sync"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/okta"
)

// slowOkta is well within the filter's timeout, and long enough to be felt.
const slowOkta = time.Second

// burstSize is well over what the spike arrest lets through at once.
const burstSize = 50

// oktaFault is one position of the switch on the page Faults.
type oktaFault struct {
	ID, Label, Effect string
	set               func(*okta.Faults)
}

var oktaFaults = []oktaFault{
	{"none", "Okta works", "introspect_token gets its answers.", (*okta.Faults).Clear},
	{"slow", "Okta is slow", "introspect_token waits a second for a token that it has not asked about in the last 5 s; callers with the same token wait together.",
		func(f *okta.Faults) { f.Clear(); f.Slow(slowOkta) }},
	{"down", "Okta is down", "introspect_token refuses with 503, never with 401, and lets no one through. Tokens that it asked about in the last 5 s still pass.",
		func(f *okta.Faults) { f.Clear(); f.Down() }},
	{"limited", "Okta limits us", "Okta answers 429: introspect_token refuses with 503 and stops asking until Okta's reset, up to a minute, even if you switch back.",
		func(f *okta.Faults) { f.Clear(); f.Limited() }},
}

// faultSwitch is what is wrong with Okta now.
type faultSwitch struct {
	mu     sync.Mutex
	okta   *okta.Faults
	chosen int
}

// turn chooses a fault by its id; false when there is no such fault.
func (s *faultSwitch) turn(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, fault := range oktaFaults {
		if fault.ID == id {
			fault.set(s.okta)
			s.chosen = i
			return true
		}
	}
	return false
}

func (s *faultSwitch) now() oktaFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return oktaFaults[s.chosen]
}

func (c *console) showFaults(w http.ResponseWriter, v consoleView) {
	v.Page, v.Host, v.Switches, v.Now = "faults", c.host, oktaFaults, c.faults.now()
	renderConsole(w, v)
}

func (c *console) serveFault(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxPortalForm)
	if err := r.ParseForm(); err != nil || !c.faults.turn(r.PostForm.Get("fault")) {
		w.WriteHeader(http.StatusBadRequest)
		c.showFaults(w, consoleView{Problem: "There is no such fault."})
		return
	}
	c.showFaults(w, consoleView{Notice: c.faults.now().Label + "."})
}

func (c *console) serveBurst(w http.ResponseWriter, r *http.Request) {
	counts, err := c.burst(r.Context())
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		c.showFaults(w, consoleView{Problem: "The gateway did not answer."})
		return
	}
	c.showFaults(w, consoleView{Burst: counts, Notice: "The burst is over."})
}

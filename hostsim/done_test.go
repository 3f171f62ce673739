package hostsim_test

import (
	"strings"
	"testing"
	"time"
)

// TestDoneLater: a root that answers false to on_done stays, with its ticks, until it calls proxy_done.
func TestDoneLater(t *testing.T) {
	h := newHost(t, "configure: tick 10; done\ndone: answer 0\ntick: done\ndelete: say gone")
	if got := result(t, h.Log(), "done"); got != "1" {
		t.Errorf("proxy_done of a root that is not ending: %s, want NotFound", got)
	}
	if err := h.UpdateConfig([]byte("configure: say new")); err != nil {
		t.Fatal(err)
	}
	at := len(h.Log())
	h.Drain()
	if s := said(h.Log()[at:]); strings.Contains(s, "gone") {
		t.Errorf("deleted before proxy_done:\n%s", s)
	}
	h.Advance(10 * time.Millisecond)
	s := said(h.Log()[at:])
	if !strings.Contains(s, "tick 1: done -> 0\ndelete 1: say gone") || strings.Count(s, "say gone") != h.Process().Workers()+1 {
		t.Errorf("after proxy_done:\n%s", s)
	}
	at = len(h.Log())
	h.Advance(time.Second)
	if s := said(h.Log()[at:]); s != "" {
		t.Errorf("after the end:\n%s", s)
	}
}

// TestTimeIsTheClocks: proxy_get_current_time_nanoseconds follows the process's clock.
func TestTimeIsTheClocks(t *testing.T) {
	h := newHost(t, "configure: time; tick 1500\ntick: time")
	h.Advance(1500 * time.Millisecond)
	s := said(h.Log())
	if !strings.Contains(s, "time -> 0 1767225600000000000") || !strings.Contains(s, "tick 1: time -> 0 1767225601500000000") {
		t.Errorf("log:\n%s", s)
	}
}

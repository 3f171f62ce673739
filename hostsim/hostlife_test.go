package hostsim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
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

func TestMetadataFrames(t *testing.T) {
	h := newHost(t, "request_metadata: pairs 0; reply 403 - no\nrequest_headers: pause\nresponse_metadata: say hello")
	p, err := h.Start(hostsim.Request{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Stream().RequestMetadata(abi.Headers{{Name: "a", Value: "1"}, {Name: "b", Value: "2"}}); err != nil {
		t.Fatal(err)
	}
	r, e, err := p.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantStatus(t, r, 403)
	if s := said(e.Log); !strings.HasPrefix(s, "request_metadata 2 2: pairs 0 -> 0 :authority|example.com|") {
		t.Errorf("log:\n%s", s)
	}
	if err := p.Stream().ResponseMetadata(nil); err == nil {
		t.Error("metadata after the end of the stream")
	}
}

// TestLoseCAS: a rival is in the way twice.
func TestLoseCAS(t *testing.T) {
	h := newHost(t, script("sdget k", "sdset k read a", "sdset k read b", "sdget k ", "sdset k read c", "sdset k 0 d", "sdset k read e"))
	h.Process().SetSharedData("", "k", []byte("x"))
	h.Process().LoseCAS("", "k", 1)
	_, e := do(t, h, hostsim.Request{})
	wantResults(t, func(op string) string { return result(t, e.Log, op) }, map[string]string{
		"sdset k read a": "8", "sdset k read b": "8", "sdset k read c": "0", "sdset k 0 d": "0", "sdset k read e": "8"})
}

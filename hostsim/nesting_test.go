package hostsim_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// storm holds requests, lets one callback decide about all, and says how many got which status and whether the VM lives.
type storm struct {
	trigger string // what "go" does, and the event that follows
	decide  string
	body    string
	options []hostsim.Option
}

var storms = map[string]storm{
	"refused by a call":  {trigger: stormCall, decide: "reply 403 - no"},
	"refused by a queue": {trigger: "request_headers: qregister q; enqueue q x; reply 200 -\nqueue_ready: dequeue q", decide: "reply 403 - no"},
	"refused by a tick":  {trigger: "request_headers: tick 20; reply 200 -\ntick: tick 0", decide: "reply 403 - no"},
	"refused bare":       {trigger: stormCall, decide: "reply 403 -"},
	"admitted to a direct response": {
		trigger: stormCall, decide: "continue 0", options: []hostsim.Option{hostsim.WithConnectionManager(hostsim.ConnectionManager{DirectResponse: &upstream.Answer{Status: 403, Body: []byte("hello")}})},
	},
	"closed":                       {trigger: stormCall, decide: "close 0"},
	"admitted to a backend":        {trigger: stormCall, decide: "continue 0"},
	"bodies admitted to a backend": {trigger: stormCall, decide: "continue 0", body: "hello"},
}

const stormCall = "request_headers: call auth 1000; reply 200 -\nhttp_call_response: say answered"

func (s storm) play(t *testing.T, module *hostsim.Module, n int, options ...hostsim.Option) (statuses map[int]int, host *hostsim.Host) {
	t.Helper()
	script := "@hold request_headers: hold\n@alive request_headers: reply 200 - alive\n@go " + s.trigger + "; each " + s.decide
	options = append(append([]hostsim.Option{
		hostsim.WithConfig([]byte(script)), hostsim.WithCluster("auth", upstream.Respond(200, "")),
	}, s.options...), options...)
	host, err := module.New(t.Context(), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = host.Process().Close(context.Background()) })
	var held []*hostsim.Pending
	for range n {
		p, err := host.Start(hostsim.Request{Headers: abi.Headers{{Name: "x-script", Value: "hold"}}, Body: []byte(s.body)})
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, p)
	}
	do(t, host, scriptedRequest("go"))
	host.Advance(time.Second)
	statuses = map[int]int{}
	for _, p := range held {
		r, _, err := p.Wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		statuses[r.Status]++
	}
	return statuses, host
}

func scriptedRequest(name string) hostsim.Request {
	return hostsim.Request{Headers: abi.Headers{{Name: "x-script", Value: name}}}
}

// alive reports whether the VM of the worker still serves.
func alive(t *testing.T, host *hostsim.Host) bool {
	t.Helper()
	response, _ := do(t, host, scriptedRequest("alive"))
	return response.Status == 200
}

// trapLine is what the host logged of a trap.
func trapLine(host *hostsim.Host) string {
	for _, l := range host.Log() {
		if l.Host {
			return l.Message
		}
	}
	return ""
}

// TestVerdictStorm has one callback decide about many streams: what nests on Envoy's stack, nests here, and overflows.
func TestVerdictStorm(t *testing.T) {
	for name, c := range map[string]struct{ lives, dies int }{ // 0: no number kills it
		"refused by a call":             {256, 257},
		"refused by a queue":            {256, 257},
		"refused by a tick":             {256, 257},
		"refused bare":                  {256, 257},
		"admitted to a direct response": {256, 257},
		"closed":                        {1000, 1001},
		"bodies admitted to a backend":  {1000, 1001},
		"admitted to a backend":         {1500, 0},
	} {
		t.Run(name, func(t *testing.T) {
			statuses, host := storms[name].play(t, scriptedModule(t), c.lives)
			if !alive(t, host) || statuses[503] > 0 {
				t.Errorf("%d verdicts in one callback: statuses %v, log %q; want the VM alive", c.lives, statuses, trapLine(host))
			}
			if c.dies == 0 {
				return
			}
			statuses, host = storms[name].play(t, scriptedModule(t), c.dies)
			trap := trapLine(host)
			if alive(t, host) || !strings.Contains(trap, "failed: Uncaught RangeError: Maximum call stack size exceeded") {
				t.Errorf("%d verdicts in one callback: statuses %v, log %q; want the VM lost", c.dies, statuses, trap)
			}
			t.Logf("%d live, %d: %v, %s", c.lives, c.dies, statuses, trap)
		})
	}
}

// TestVerdictStormWithoutCallbacks: what nests is the guest's callbacks about a reply. A guest that has no callback for
// response headers nests in the log, and one that has none at all does not.
func TestVerdictStormWithoutCallbacks(t *testing.T) {
	for name, c := range map[string]struct {
		without []string
		trap    string // the callback that traps; empty for none
	}{
		"everything":              {nil, "proxy_on_response_headers"},
		"no response":             {[]string{"response_"}, "proxy_on_log"},
		"no response, no log":     {[]string{"response_", "log"}, "proxy_on_done"},
		"nothing about the reply": {[]string{"response_", "log", "done", "delete"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, host := storms["refused by a call"].play(t, scriptedWithout(t, c.without...), 400)
			if trap := trapLine(host); c.trap == "" && trap != "" || !strings.Contains(trap, c.trap) || alive(t, host) != (c.trap == "") {
				t.Errorf("log %q, want a trap in %q", trap, c.trap)
			}
		})
	}
}

// TestVerdictStormReloads: the trap is one as any other, and FailReload makes a new VM.
func TestVerdictStormReloads(t *testing.T) {
	_, host := storms["refused by a call"].play(t, scriptedModule(t), 400, hostsim.WithFailurePolicy(hostsim.FailReload))
	host.Advance(2 * time.Second)
	if !alive(t, host) {
		t.Error("no new VM after the backoff")
	}
	if stats := host.ReloadStats(); stats.Success != 1 {
		t.Errorf("reloads %+v, want one", stats)
	}
}

// TestVerdictStormInPieces: the same number of verdicts in several callbacks does no harm, which is the way out.
func TestVerdictStormInPieces(t *testing.T) {
	const streams, piece = 400, 32
	var script strings.Builder
	script.WriteString("configure: tick 1\ntick: ")
	for range piece {
		script.WriteString("next reply 403 - no; ")
	}
	host := newHost(t, script.String()+"\n@alive request_headers: reply 200 -\nrequest_headers: hold")
	var held []*hostsim.Pending
	for range streams {
		p, err := host.Start(hostsim.Request{})
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, p)
	}
	host.Advance(time.Duration(streams/piece+1) * time.Millisecond)
	for i, p := range held {
		response, _, err := p.Wait(t.Context())
		if err != nil || response.Status != 403 || response.Reset {
			t.Fatalf("stream %d: %+v, %v", i, response, err)
		}
	}
	if !alive(t, host) {
		t.Error("the VM is lost")
	}
}

// scriptedWithout is the scripted guest with callbacks that nobody calls by the names that begin so.
func scriptedWithout(t *testing.T, callbacks ...string) *hostsim.Module {
	t.Helper()
	path := wasmbuild.Package(t, "./hostsim/testdata/guests/scripted")
	code, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range callbacks {
		code = bytes.ReplaceAll(code, []byte("proxy_on_"+c), []byte("proxy_no_"+c))
	}
	module, err := hostsim.Compile(t.Context(), code, hostsim.CompileOptions{CacheDir: filepath.Join(filepath.Dir(path), "wazero")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = module.Close(context.Background()) })
	return module
}

package hostsim_test

import (
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

// A hostcall that is taken is not made: the guest gets what the interceptor says, and the trace shows it.
func TestHostcallsAreTaken(t *testing.T) {
	h := newHost(t, script("prop request.path", "prop request.method", "set 0 x-new 1", "get 0 x-new", "body 7 0 100", "setprop a b", "now"),
		hostsim.WithTrace(), hostsim.WithHostcalls(func(call hostsim.TraceEntry) (abi.Status, []byte, bool) {
			switch {
			case call.Name == "proxy_get_property" && strings.Contains(call.Args, "request.path"):
				return abi.StatusNotFound, []byte("not to be seen"), true
			case call.Name == "proxy_get_property":
				return abi.StatusOK, []byte("BREW"), true
			case call.Name == "proxy_replace_header_map_value":
				return abi.StatusBadArgument, nil, true
			case call.Name == "proxy_set_property":
				return abi.StatusInternalFailure, nil, true
			}
			return abi.StatusInternalFailure, nil, false
		}))
	_, e := do(t, h, hostsim.Request{})
	wantResults(t, func(op string) string { return result(t, e.Log, op) }, map[string]string{
		"prop request.path": "1", "prop request.method": `0 "BREW"`, "set 0 x-new 1": "2", "get 0 x-new": "1", "setprop a b": "10",
	})
	if got, there := e.Upstream.Headers.Get("x-new"); there {
		t.Errorf("the header was set to %q all the same", got)
	}
	var traced []string
	for _, entry := range e.Trace {
		if entry.Name == "proxy_get_property" {
			traced = append(traced, entry.String())
		}
	}
	want := `[vm->host] proxy_get_property("request.path") = NotFound` + "\n" + `[vm->host] proxy_get_property("request.method") = Ok, 4 bytes`
	if got := strings.Join(traced, "\n"); got != want {
		t.Errorf("trace has\n%s\nwant\n%s", got, want)
	}
}

// From the start on: a guest that cannot read its configuration does not get it.
func TestHostcallsAreTakenAtTheStart(t *testing.T) {
	calls := 0
	_, err := scriptedModule(t).New(t.Context(), hostsim.WithConfig([]byte("configure: answer 0")),
		hostsim.WithHostcalls(func(call hostsim.TraceEntry) (abi.Status, []byte, bool) {
			calls++
			return abi.StatusOK, []byte("configure: answer 1"), call.Name == "proxy_get_buffer_bytes"
		}))
	if err != nil || calls == 0 {
		t.Errorf("with another configuration than its own, after %d calls: %v", calls, err)
	}
}

package http

import (
	"slices"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/event"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
)

// TestABIVersions: what differs for guests of older versions.
func TestABIVersions(t *testing.T) {
	const key, out = 2048, 4096
	for _, tt := range []struct {
		version string
		absent  abi.Status // what an absent header answers
		resume  string     // what lets the request go on
		args    []uint64
		lacks   []string
	}{
		{"0_1_0", abi.StatusOK, "env.proxy_continue_request", nil, []string{"proxy_continue_stream", "proxy_close_stream", "proxy_get_log_level"}},
		{"0_2_0", abi.StatusNotFound, "env.proxy_continue_stream", []uint64{0}, []string{"proxy_continue_request", "proxy_continue_response", "proxy_clear_route_cache", "proxy_get_configuration", "proxy_get_log_level"}},
		{"0_2_1", abi.StatusNotFound, "env.proxy_continue_stream", []uint64{0}, []string{"proxy_continue_request", "proxy_continue_response", "proxy_clear_route_cache", "proxy_get_configuration"}},
	} {
		t.Run(tt.version, func(t *testing.T) {
			b := newTrampolineGuest(t, "page one", tt.version)
			b.write(key, []byte("x-none"))
			if got := abi.Status(b.call("env.proxy_get_header_map_value", []uint64{0, key, 6, out, out + 4})); got != tt.absent {
				t.Errorf("absent header: %v, want %v", got, tt.absent)
			}
			for _, name := range tt.lacks {
				if slices.ContainsFunc(wasmhost.Hostcalls(tt.version, newest(t)), func(h wasmhost.Hostcall) bool { return h.Name == name }) {
					t.Errorf("%s is there", name)
				}
			}
			if _, ok := b.stream.Poll(); ok {
				t.Error("the request did not wait")
			}
			if got := abi.Status(b.call(tt.resume, tt.args)); got != abi.StatusOK {
				t.Errorf("%s: %v", tt.resume, got)
			}
			if e, ok := b.stream.Poll(); !ok || e.Kind != event.ToUpstreamHeaders {
				t.Errorf("after %s: event %v", tt.resume, e.Kind)
			}
		})
	}
}

// TestABI010Only has the functions that only the oldest version has.
func TestABI010Only(t *testing.T) {
	b := newTrampolineGuest(t, "page one", "0_1_0")
	if got := abi.Status(b.call("env.proxy_get_configuration", []uint64{4096, 4100})); got != abi.StatusOK {
		t.Errorf("get_configuration: %v", got)
	}
	b.stream.Do(func() {
		memory := b.stream.ctx.Guest.Memory()
		ptr, _ := memory.ReadUint32Le(4096)
		size, _ := memory.ReadUint32Le(4100)
		if text, _ := memory.Read(ptr, size); string(text) != "vm" {
			t.Errorf("configuration of a stream: %q, want the VM's", text)
		}
	})
	for _, name := range []string{"proxy_clear_route_cache", "proxy_continue_response"} {
		if got := abi.Status(b.call("env."+name, nil)); got != abi.StatusOK {
			t.Errorf("%s: %v", name, got)
		}
	}
}

package hostsim

import (
	"testing"
)

// TestABIVersions: what differs for guests of older versions.
func TestABIVersions(t *testing.T) {
	const key, out = 2048, 4096
	for _, tt := range []struct {
		abi    string
		absent Status // what an absent header answers
		resume string // what lets the request go on
		args   []uint64
		lacks  []string
	}{
		{"0_1_0", StatusOK, "env.proxy_continue_request", nil, []string{"proxy_continue_stream", "proxy_close_stream", "proxy_get_log_level"}},
		{"0_2_0", StatusNotFound, "env.proxy_continue_stream", []uint64{0}, []string{"proxy_continue_request", "proxy_continue_response", "proxy_clear_route_cache", "proxy_get_configuration", "proxy_get_log_level"}},
		{"0_2_1", StatusNotFound, "env.proxy_continue_stream", []uint64{0}, []string{"proxy_continue_request", "proxy_continue_response", "proxy_clear_route_cache", "proxy_get_configuration"}},
	} {
		t.Run(tt.abi, func(t *testing.T) {
			b := newTrampolineGuest(t, "page one", tt.abi)
			b.write(key, []byte("x-none"))
			if got := Status(b.call("env.proxy_get_header_map_value", []uint64{0, key, 6, out, out + 4})); got != tt.absent {
				t.Errorf("absent header: %v, want %v", got, tt.absent)
			}
			for _, name := range tt.lacks {
				if findHostcall(moduleEnv, name, abiMarkers["proxy_abi_version_"+tt.abi], &releases[0]) != nil {
					t.Errorf("%s is there", name)
				}
			}
			if _, ok := b.stream.Poll(); ok {
				t.Error("the request did not wait")
			}
			if got := Status(b.call(tt.resume, tt.args)); got != StatusOK {
				t.Errorf("%s: %v", tt.resume, got)
			}
			if e, ok := b.stream.Poll(); !ok || e.Kind != ToUpstreamHeaders {
				t.Errorf("after %s: event %v", tt.resume, e.Kind)
			}
		})
	}
}

// TestABI010Only has the functions that only the oldest version has.
func TestABI010Only(t *testing.T) {
	b := newTrampolineGuest(t, "page one", "0_1_0")
	if got := Status(b.call("env.proxy_get_configuration", []uint64{4096, 4100})); got != StatusOK {
		t.Errorf("get_configuration: %v", got)
	}
	b.stream.envoy.do(func() {
		memory := b.stream.envoy.ctx.guest.vm.memory
		ptr, _ := memory.ReadUint32Le(4096)
		size, _ := memory.ReadUint32Le(4100)
		if text, _ := memory.Read(ptr, size); string(text) != "vm" {
			t.Errorf("configuration of a stream: %q, want the VM's", text)
		}
	})
	for _, name := range []string{"proxy_clear_route_cache", "proxy_continue_response"} {
		if got := Status(b.call("env."+name, nil)); got != StatusOK {
			t.Errorf("%s: %v", name, got)
		}
	}
}

package http

import (
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
)

func TestExplain(t *testing.T) {
	g := newBadGuest(t, "page one")
	const at, out = 2048, 4096
	for _, tt := range []struct {
		call string
		text string
		args []uint64
		want string
	}{
		{"proxy_get_header_map_value", ":path", []uint64{0, at, 5, out, out + 4}, ""},
		{"proxy_get_header_map_value", "x-none", []uint64{0, at, 6, out, out + 4}, "no such header"},
		{"proxy_replace_header_map_value", "a", []uint64{2, at, 1, at, 1}, "no such map to write now"},
		{"proxy_get_property", "nonsense", []uint64{at, 8, out, out + 4}, "does not know this path"},
		{"proxy_set_effective_context", "", []uint64{77}, "its stream has ended"},
		{"proxy_http_call", "none", []uint64{at, 4, at, 0, 0, 0, 0, 0, 100, out}, "no such cluster"},
		{"proxy_get_buffer_bytes", "", []uint64{7, 0, 10, out, out + 4}, "exists only during its callback"},
		{"proxy_log", "", []uint64{2, 0xfffffff0, 100}, "outside the guest's memory"},
		{"proxy_close_stream", "", []uint64{9}, "not one that the parameter allows"},
	} {
		t.Run(tt.call+" "+tt.text, func(t *testing.T) {
			g.write(at, []byte(tt.text))
			e := wasmhost.TraceEntry{Name: tt.call, Result: g.call("env."+tt.call, tt.args)}
			got := e.Explain()
			if !strings.Contains(got, tt.want) || (got == "") != (tt.want == "") {
				t.Errorf("%v: %q, want %q", abi.Status(e.Result), got, tt.want)
			}
			if got != "" && !strings.HasSuffix(got, "README.md#"+tt.call) {
				t.Errorf("%q does not say where it is written", got)
			}
		})
	}
	if got := (wasmhost.TraceEntry{Name: "proxy_on_log", Callback: true, Result: 1}).Explain(); got != "" {
		t.Errorf("a callback is explained: %q", got)
	}
}

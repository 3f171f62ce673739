package hostsim_test

import (
	"context"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero/api"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/forge"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
)

// BenchmarkHostTrivialRequest is one exchange with a guest that only says Continue.
func BenchmarkHostTrivialRequest(b *testing.B) { benchmarkRequest(b, trivialGuest()) }

// BenchmarkHostRequestWithHostcalls is one exchange with a guest that makes the hostcalls which a gateway's filter makes
// to admit a request, and computes nothing: what is measured is the host's share of such a filter's request.
func BenchmarkHostRequestWithHostcalls(b *testing.B) { benchmarkRequest(b, gatewayGuest(b)) }

func benchmarkRequest(b *testing.B, guest []byte) {
	ctx := context.Background()
	m, err := hostsim.Compile(ctx, guest, hostsim.CompileOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = m.Close(ctx) })
	r := hostsim.Request{Headers: abi.Headers{{Name: "x-api-key", Value: "key"}, {Name: "authorization", Value: "Bearer token"}, {Name: "user-agent", Value: "a client"}}}
	newHost := func(opts ...hostsim.Option) *hostsim.Host {
		h, err := m.New(ctx, opts...)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = h.Process().Close(ctx) })
		h.Process().SetSharedData("", "key", []byte("value"))
		return h
	}
	_, x, err := newHost(hostsim.WithTrace()).Do(ctx, r)
	if err != nil {
		b.Fatal(err)
	}
	for _, e := range x.Trace {
		if !e.Callback && abi.Status(e.Result) != abi.StatusOK {
			b.Error(e)
		}
	}
	h := newHost()
	b.ReportAllocs()
	for b.Loop() {
		if r, _, err := h.Do(ctx, r); err != nil || r.Status != 200 {
			b.Fatal(r.Status, err)
		}
	}
	b.ReportMetric(float64(x.AllHostcalls), "hostcalls")
}

// gatewayGuest makes each hostcall with constants, drops its status, and lets the request through.
func gatewayGuest(tb testing.TB) []byte {
	const out, text = 512, 600
	type hostcall struct {
		name string
		args []int
	}
	calls := []hostcall{
		{"proxy_get_current_time_nanoseconds", []int{out}},
		{"proxy_get_header_map_pairs", []int{0, out, out + 4}},
		{"proxy_get_property", []int{text, 14, out, out + 4}},
		{"proxy_get_shared_data", []int{text + 20, 3, out, out + 4, out + 8}},
		{"proxy_set_shared_data", []int{text + 20, 3, text, 14, 0}},
		{"proxy_remove_header_map_value", []int{0, text + 30, 9}},
	}
	for i := range 6 {
		calls = append(calls, hostcall{"proxy_replace_header_map_value", []int{0, text + 40 + 4*i, 4, text + 7, 7}})
	}
	calls = append(calls, hostcall{"proxy_increment_metric", []int{4, 1}}, hostcall{"proxy_get_metric", []int{4, out}})
	define := hostcall{"proxy_define_metric", []int{0, text + 20, 3, out}}

	names := wasmhost.ReleaseNames()
	newest, err := wasmhost.FindRelease(names[len(names)-1])
	if err != nil {
		tb.Fatal(err)
	}
	signatures := map[string]wasmhost.Hostcall{}
	for _, h := range wasmhost.Hostcalls("0_2_1", newest) {
		signatures[h.Name] = h
	}
	m := forge.New()
	imported := map[string]int{}
	for _, c := range append(calls, define) {
		if _, ok := imported[c.name]; !ok {
			imported[c.name] = len(imported)
			m.Import("env", c.name, letters(signatures[c.name].Params), "i")
		}
	}
	code := func(c hostcall) (code []byte) {
		for i, a := range c.args {
			code = append(code, forge.Push(a)...)
			if signatures[c.name].Params[i] == api.ValueTypeI64 {
				code = append(code, 0xac) // i64.extend_i32_s
			}
		}
		return append(append(code, forge.Call(imported[c.name])...), forge.Drop)
	}
	var request []byte
	for _, c := range calls {
		request = append(request, code(c)...)
	}
	m.Memory().ABI("0_2_1").Data(text, "source\x00address").Data(text+20, "key").Data(text+30, "x-api-key").Data(text+40, "x-a1x-b2x-c3x-d4x-e5x-f6")
	m.Body("malloc", "i", "i", forge.Push(1024)...).Body("proxy_on_configure", "ii", "i", append(code(define), forge.Push(1)...)...)
	m.Body("proxy_on_request_headers", "iii", "i", append(request, forge.Push(0)...)...)
	m.Export("proxy_on_context_create", "ii", "").Export("proxy_on_log", "i", "")
	return m.Export("proxy_on_done", "i", "i").Export("proxy_on_delete", "i", "").Bytes()
}

// trivialGuest lets every request through.
func trivialGuest() []byte {
	return forge.Guest("0_2_1").Export("proxy_on_context_create", "ii", "").Export("proxy_on_request_headers", "iii", "i").
		Export("proxy_on_response_headers", "iii", "i").Export("proxy_on_log", "i", "").Export("proxy_on_delete", "i", "").Bytes()
}

func letters(types []byte) string {
	return strings.NewReplacer("\x7f", "i", "\x7e", "I").Replace(string(types))
}

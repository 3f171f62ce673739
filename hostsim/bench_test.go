package hostsim

import (
	"context"
	"testing"

	"github.com/tetratelabs/wazero/api"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/forge"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wire"
)

// hostcallsInLoop is how many hostcalls the guest makes each time that it is entered.
const hostcallsInLoop = 1000

// BenchmarkHostcall is the cost of one hostcall, the way from the guest and back included. The guest is hand-made and
// calls in a loop, so that neither a language runtime nor the way into the guest is in it; what goes through the guest's
// allocator enters the guest once more.
func BenchmarkHostcall(b *testing.B) {
	const key, value, out, out2 = 2048, 2112, 4096, 4100
	pairs := wire.AppendPairs(nil, []wire.Pair{{Name: ":method", Value: "GET"}, {Name: ":path", Value: "/"}, {Name: ":authority", Value: "a"}})
	for _, bm := range []struct {
		name, call, key string
		args            []uint64
		want            Status
	}{
		{"nothing", "pthread_equal", "", []uint64{1, 0}, 0},
		{"get_header_map_value", "proxy_get_header_map_value", ":path", []uint64{0, key, 5, out, out2}, StatusOK},
		{"get_header_map_value absent", "proxy_get_header_map_value", "x-none", []uint64{0, key, 6, out, out2}, StatusNotFound},
		{"get_header_map_pairs", "proxy_get_header_map_pairs", "", []uint64{0, out, out2}, StatusOK},
		{"get_header_map_size", "proxy_get_header_map_size", "", []uint64{0, out}, StatusOK},
		{"replace_header_map_value", "proxy_replace_header_map_value", "x-key", []uint64{0, key, 5, value, 4}, StatusOK},
		{"set_header_map_pairs", "proxy_set_header_map_pairs", string(pairs), []uint64{0, key, uint64(len(pairs))}, StatusOK},
		{"get_buffer_bytes", "proxy_get_buffer_bytes", "", []uint64{6, 0, 100, out, out2}, StatusOK},
		{"get_property request.path", "proxy_get_property", "request\x00path", []uint64{key, 12, out, out2}, StatusOK},
		{"get_property source.address", "proxy_get_property", "source\x00address", []uint64{key, 14, out, out2}, StatusOK},
		{"get_property unknown", "proxy_get_property", "nonsense", []uint64{key, 8, out, out2}, StatusNotFound},
		{"set_property", "proxy_set_property", "app", []uint64{key, 3, value, 4}, StatusOK},
		{"get_shared_data", "proxy_get_shared_data", "key", []uint64{key, 3, out, out2, out2 + 4}, StatusOK},
		{"set_shared_data", "proxy_set_shared_data", "key", []uint64{key, 3, value, 4, 0}, StatusOK},
		{"increment_metric", "proxy_increment_metric", "", []uint64{4, 1}, StatusOK},
		{"get_metric", "proxy_get_metric", "", []uint64{4, out}, StatusOK},
		{"get_current_time_nanoseconds", "proxy_get_current_time_nanoseconds", "", []uint64{out}, StatusOK},
		{"set_effective_context", "proxy_set_effective_context", "", []uint64{1}, StatusOK},
		{"get_log_level", "proxy_get_log_level", "", []uint64{out}, StatusOK},
		{"log", "proxy_log", "a message", []uint64{0, key, 9}, StatusOK},
		{"continue_stream unknown", "proxy_continue_stream", "", []uint64{9}, StatusBadArgument},
	} {
		b.Run(bm.name, func(b *testing.B) {
			g := newBadGuest(b, "page one")
			g.host.Process().SetSharedData("", "key", []byte("value"))
			g.write(key, []byte("c"))
			g.call("env.proxy_define_metric", []uint64{0, key, 1, out})
			g.write(key, []byte(bm.key))
			g.stream.envoy.do(func() {
				v := g.stream.envoy.ctx.guest.vm
				v.current = g.stream.envoy.ctx
				stack := make([]uint64, len(bm.args)+1)
				copy(stack, bm.args)
				if err := v.module.ExportedFunction("call_env."+bm.call).CallWithStack(v, stack); err != nil || Status(stack[0]) != bm.want {
					b.Fatalf("%v, %v", Status(stack[0]), err)
				}
				f := v.module.ExportedFunction("loop_env." + bm.call)
				b.ReportAllocs()
				b.ResetTimer()
				for left := b.N; left > 0; left -= hostcallsInLoop {
					copy(stack, bm.args)
					stack[len(bm.args)] = uint64(min(left, hostcallsInLoop))
					if err := f.CallWithStack(v, stack); err != nil {
						b.Fatal(err)
					}
				}
				v.effective = 0
			})
		})
	}
}

// BenchmarkHostTrivialRequest is one exchange with a guest that only says Continue.
func BenchmarkHostTrivialRequest(b *testing.B) { benchmarkRequest(b, trivialGuest()) }

// BenchmarkHostRequestWithHostcalls is one exchange with a guest that makes the hostcalls which a gateway's filter makes
// to admit a request, and computes nothing: what is measured is the host's share of such a filter's request.
func BenchmarkHostRequestWithHostcalls(b *testing.B) { benchmarkRequest(b, gatewayGuest()) }

func benchmarkRequest(b *testing.B, guest []byte) {
	ctx := context.Background()
	m, err := Compile(ctx, guest, CompileOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = m.Close(ctx) })
	r := Request{Headers: Headers{{Name: "x-api-key", Value: "key"}, {Name: "authorization", Value: "Bearer token"}, {Name: "user-agent", Value: "a client"}}}
	newHost := func(opts ...Option) *Host {
		h, err := m.New(ctx, opts...)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = h.Process().Close(ctx) })
		h.Process().SetSharedData("", "key", []byte("value"))
		return h
	}
	_, x, err := newHost(WithTrace()).Do(ctx, r)
	if err != nil {
		b.Fatal(err)
	}
	for _, e := range x.Trace {
		if !e.Callback && Status(e.Result) != StatusOK {
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
func gatewayGuest() []byte {
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

	m := forge.New()
	imported := map[string]int{}
	for _, c := range append(calls, define) {
		if _, ok := imported[c.name]; !ok {
			imported[c.name] = len(imported)
			def := hostcallsByName["env."+c.name]
			m.Import("env", c.name, letters(def.params), letters(def.results))
		}
	}
	code := func(c hostcall) (code []byte) {
		for i, a := range c.args {
			code = append(code, forge.Push(a)...)
			if hostcallsByName["env."+c.name].params[i] == api.ValueTypeI64 {
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

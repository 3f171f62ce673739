package http

import (
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wire"
)

// hostcallsInLoop is how many hostcalls the guest makes each time that it is entered.
const hostcallsInLoop = 10000

// BenchmarkHostcall is the cost of one hostcall, the way from the guest and back included. The guest is hand-made and
// calls in a loop, so that neither a language runtime nor the way into the guest is in it; what goes through the guest's
// allocator enters the guest once more.
func BenchmarkHostcall(b *testing.B) {
	const key, value, out, out2 = 2048, 2112, 4096, 4100
	pairs := wire.AppendPairs(nil, []wire.Pair{{Name: ":method", Value: "GET"}, {Name: ":path", Value: "/"}, {Name: ":authority", Value: "a"}})
	for _, bm := range []struct {
		name, call, key string
		args            []uint64
		want            abi.Status
	}{
		{"nothing", "pthread_equal", "", []uint64{1, 0}, 0},
		{"get_header_map_value", "proxy_get_header_map_value", ":path", []uint64{0, key, 5, out, out2}, abi.StatusOK},
		{"get_header_map_value absent", "proxy_get_header_map_value", "x-none", []uint64{0, key, 6, out, out2}, abi.StatusNotFound},
		{"get_header_map_pairs", "proxy_get_header_map_pairs", "", []uint64{0, out, out2}, abi.StatusOK},
		{"get_header_map_size", "proxy_get_header_map_size", "", []uint64{0, out}, abi.StatusOK},
		{"replace_header_map_value", "proxy_replace_header_map_value", "x-key", []uint64{0, key, 5, value, 4}, abi.StatusOK},
		{"set_header_map_pairs", "proxy_set_header_map_pairs", string(pairs), []uint64{0, key, uint64(len(pairs))}, abi.StatusOK},
		{"get_buffer_bytes", "proxy_get_buffer_bytes", "", []uint64{6, 0, 100, out, out2}, abi.StatusOK},
		{"get_property request.path", "proxy_get_property", "request\x00path", []uint64{key, 12, out, out2}, abi.StatusOK},
		{"get_property source.address", "proxy_get_property", "source\x00address", []uint64{key, 14, out, out2}, abi.StatusOK},
		{"get_property unknown", "proxy_get_property", "nonsense", []uint64{key, 8, out, out2}, abi.StatusNotFound},
		{"set_property", "proxy_set_property", "app", []uint64{key, 3, value, 4}, abi.StatusOK},
		{"get_shared_data", "proxy_get_shared_data", "key", []uint64{key, 3, out, out2, out2 + 4}, abi.StatusOK},
		{"set_shared_data", "proxy_set_shared_data", "key", []uint64{key, 3, value, 4, 0}, abi.StatusOK},
		{"increment_metric", "proxy_increment_metric", "", []uint64{4, 1}, abi.StatusOK},
		{"get_metric", "proxy_get_metric", "", []uint64{4, out}, abi.StatusOK},
		{"get_current_time_nanoseconds", "proxy_get_current_time_nanoseconds", "", []uint64{out}, abi.StatusOK},
		{"set_effective_context", "proxy_set_effective_context", "", []uint64{1}, abi.StatusOK},
		{"get_log_level", "proxy_get_log_level", "", []uint64{out}, abi.StatusOK},
		{"log", "proxy_log", "a message", []uint64{0, key, 9}, abi.StatusOK},
		{"continue_stream unknown", "proxy_continue_stream", "", []uint64{9}, abi.StatusBadArgument},
	} {
		b.Run(bm.name, func(b *testing.B) {
			g := newBadGuest(b, "page one")
			g.process.Machine.SetSharedData("", "key", []byte("value"))
			g.write(key, []byte("c"))
			g.call("env.proxy_define_metric", []uint64{0, key, 1, out})
			g.write(key, []byte(bm.key))
			g.stream.Do(func() {
				stack := make([]uint64, len(bm.args)+1)
				copy(stack, bm.args)
				v := g.stream.ctx.Guest
				if err := v.CallExport(g.stream.ctx, "call_env."+bm.call, stack); err != nil || abi.Status(stack[0]) != bm.want {
					b.Fatalf("%v, %v", abi.Status(stack[0]), err)
				}
				b.ReportAllocs()
				b.ResetTimer()
				for left := b.N; left > 0; left -= hostcallsInLoop {
					copy(stack, bm.args)
					stack[len(bm.args)] = uint64(min(left, hostcallsInLoop))
					if err := v.CallExport(g.stream.ctx, "loop_env."+bm.call, stack); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

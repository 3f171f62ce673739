package hostsim

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/forge"
)

// Bodies of allocators, good and bad. They run inside a hostcall.
var allocatorBodies = map[string][]byte{
	"page one":       {0x41, 0x80, 0x08}, // i32.const 1024
	"null":           {0x41, 0x00},
	"outside":        {0x41, 0x70},             // i32.const -16
	"at the end":     {0x41, 0xfe, 0xff, 0x03}, // i32.const 65534: all but two bytes are outside
	"traps":          forge.Trap,
	"calls the host": nil, // see trampolines
}

// trampolines is a guest of an ABI version that exports "call_NAME" for every function that it can import, and pauses each
// request.
func trampolines(allocator, abi string) []byte {
	version := abiMarkers["proxy_abi_version_"+abi]
	headers := letters(callbackTable[onRequestHeaders].paramsFor(version))
	m := forge.New()
	var names []string
	for _, def := range slices.Concat(envTable(), wasiTable()) {
		if findHostcall(def.module, def.name, version, &releases[len(releases)-1]) != nil {
			m.Import(def.module, def.name, letters(def.params), letters(def.results))
			names = append(names, def.module+"."+def.name)
		}
	}
	m.Memory().ABI(abi)
	body := allocatorBodies[allocator]
	if body == nil { // proxy_get_log_level is forbidden in an allocator
		body = []byte{0x41, 0x00, 0x10, byte(slices.Index(names, "env.proxy_get_log_level"))}
	}
	m.Body("malloc", "i", "i", body...)
	m.Body("proxy_on_request_headers", headers, "i", 0x41, 0x01)
	m.Export("proxy_on_context_create", "ii", "").Export("proxy_on_http_call_response", "iiiii", "").Export("proxy_on_queue_ready", "ii", "")
	m.Export("proxy_on_grpc_close", "iii", "").Export("proxy_on_grpc_receive_initial_metadata", "iii", "").Export("proxy_on_log", "i", "")
	for i, name := range names {
		def := hostcallsByName[name]
		var code []byte
		for p := range def.params {
			code = append(code, 0x20, byte(p)) // local.get p
		}
		code = append(code, 0x10, byte(i)) // call i
		m.Body("call_"+name, letters(def.params), letters(def.results), code...)
		// "loop_NAME" does it as often as its last parameter says: loop, call, drop, count down, br_if, end.
		n := byte(len(def.params))
		for range def.results {
			code = append(code, 0x1a)
		}
		m.Body("loop_"+name, letters(def.params)+"i", "", slices.Concat([]byte{0x03, 0x40}, code,
			[]byte{0x20, n, 0x41, 1, 0x6b, 0x22, n, 0x0d, 0, 0x0b})...)
	}
	return m.Bytes()
}

func letters(types []byte) string {
	return strings.NewReplacer("\x7f", "i", "\x7e", "I").Replace(string(types))
}

var trampolineModules struct {
	mu sync.Mutex
	m  map[string]*Module
}

// badGuest is a paused request whose guest is asked to make hostcalls.
type badGuest struct {
	t      testing.TB
	host   *Host
	stream *Stream
}

func newBadGuest(t testing.TB, allocator string) *badGuest {
	t.Helper()
	return newTrampolineGuest(t, allocator, "0_2_1")
}

func newTrampolineGuest(t testing.TB, allocator, abi string) *badGuest {
	t.Helper()
	ctx := context.Background()
	trampolineModules.mu.Lock()
	defer trampolineModules.mu.Unlock()
	module := trampolineModules.m[allocator+abi]
	if module == nil {
		var err error
		if module, err = Compile(ctx, trampolines(allocator, abi), CompileOptions{}); err != nil {
			t.Fatal(err)
		}
		if trampolineModules.m == nil {
			trampolineModules.m = map[string]*Module{}
		}
		trampolineModules.m[allocator+abi] = module
	}
	h, err := module.New(ctx, WithCluster("g", Respond(200, "x")), WithVMConfig([]byte("vm")), WithForeignFunction("echo", func(b []byte) ([]byte, Status) { return b, StatusOK }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Process().Close(ctx); err != nil {
			t.Error(err)
		}
	})
	s, err := h.NewStream(0, StreamInfo{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.RequestHeaders(Headers{{Name: ":method", Value: "GET"}, {Name: ":path", Value: "/"}, {Name: ":authority", Value: "a"}}, true); err != nil {
		t.Fatal(err)
	}
	return &badGuest{t, h, s}
}

// write puts bytes into the guest's memory.
func (b *badGuest) write(at uint32, data []byte) {
	b.stream.envoy.do(func() { b.stream.envoy.ctx.guest.vm.memory.Write(at, data) })
}

// read copies bytes of the guest's memory.
func (b *badGuest) read(at, size uint32) (out []byte) {
	b.stream.envoy.do(func() {
		view, _ := b.stream.envoy.ctx.guest.vm.memory.Read(at, size)
		out = slices.Clone(view)
	})
	return out
}

// call has the guest make a hostcall in the stream's context, and does what it defers. A panic of the host would come
// back as wazero's error.
func (b *badGuest) call(name string, args []uint64) uint32 {
	b.t.Helper()
	var result uint32
	b.stream.envoy.do(func() {
		c := b.stream.envoy.ctx
		v := c.guest.vm
		if v.closed {
			return
		}
		current := v.current
		v.current = c
		stack := append(slices.Clone(args), 0)
		err := v.module.ExportedFunction("call_"+name).CallWithStack(v, stack)
		v.current, v.effective = current, 0
		if err != nil {
			b.t.Errorf("%s%v: %v", name, args, err)
		}
		result = uint32(stack[0])
		v.AfterCall()
	})
	return result
}

// trivialGuest lets every request through.
func trivialGuest() []byte {
	return forge.Guest("0_2_1").Export("proxy_on_context_create", "ii", "").Export("proxy_on_request_headers", "iii", "i").
		Export("proxy_on_response_headers", "iii", "i").Export("proxy_on_log", "i", "").Export("proxy_on_delete", "i", "").Bytes()
}

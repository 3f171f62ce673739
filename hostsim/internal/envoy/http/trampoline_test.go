package http

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/forge"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
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
func trampolines(allocator, version string) []byte {
	headers := "iii"
	if version == "0_1_0" {
		headers = "ii"
	}
	m := forge.New()
	var names []string
	offered := wasmhost.Hostcalls(version, newest(nil))
	for _, def := range offered {
		m.Import(def.Module, def.Name, letters(def.Params), letters(def.Results))
		names = append(names, def.Module+"."+def.Name)
	}
	m.Memory().ABI(version)
	body := allocatorBodies[allocator]
	if body == nil { // proxy_get_log_level is forbidden in an allocator
		body = []byte{0x41, 0x00, 0x10, byte(slices.Index(names, "env.proxy_get_log_level"))}
	}
	m.Body("malloc", "i", "i", body...)
	m.Body("proxy_on_request_headers", headers, "i", 0x41, 0x01)
	m.Export("proxy_on_context_create", "ii", "").Export("proxy_on_http_call_response", "iiiii", "").Export("proxy_on_queue_ready", "ii", "")
	m.Export("proxy_on_grpc_close", "iii", "").Export("proxy_on_grpc_receive_initial_metadata", "iii", "").Export("proxy_on_log", "i", "")
	for i, name := range names {
		def := offered[i]
		var code []byte
		for p := range def.Params {
			code = append(code, 0x20, byte(p)) // local.get p
		}
		code = append(code, 0x10, byte(i)) // call i
		m.Body("call_"+name, letters(def.Params), letters(def.Results), code...)
		// "loop_NAME" does it as often as its last parameter says: loop, call, drop, count down, br_if, end.
		n := byte(len(def.Params))
		for range def.Results {
			code = append(code, 0x1a)
		}
		m.Body("loop_"+name, letters(def.Params)+"i", "", slices.Concat([]byte{0x03, 0x40}, code,
			[]byte{0x20, n, 0x41, 1, 0x6b, 0x22, n, 0x0d, 0, 0x0b})...)
	}
	return m.Bytes()
}

func letters(types []byte) string {
	return strings.NewReplacer("\x7f", "i", "\x7e", "I").Replace(string(types))
}

var trampolineModules struct {
	mu sync.Mutex
	m  map[string]*wasmhost.Module
}

func newest(t testing.TB) *wasmhost.Release {
	names := wasmhost.ReleaseNames()
	r, err := wasmhost.FindRelease(names[len(names)-1])
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// badGuest is a paused request whose guest is asked to make hostcalls.
type badGuest struct {
	t       testing.TB
	process *envoy.Process
	stream  *Stream
}

func newBadGuest(t testing.TB, allocator string) *badGuest {
	t.Helper()
	return newTrampolineGuest(t, allocator, "0_2_1")
}

func newTrampolineGuest(t testing.TB, allocator, version string) *badGuest {
	t.Helper()
	ctx := context.Background()
	trampolineModules.mu.Lock()
	defer trampolineModules.mu.Unlock()
	module := trampolineModules.m[allocator+version]
	if module == nil {
		var err error
		if module, err = wasmhost.Compile(ctx, trampolines(allocator, version), wasmhost.CompileOptions{}); err != nil {
			t.Fatal(err)
		}
		if trampolineModules.m == nil {
			trampolineModules.m = map[string]*wasmhost.Module{}
		}
		trampolineModules.m[allocator+version] = module
	}
	settings := envoy.NewProcessConfig()
	settings.Clusters["g"] = upstream.Respond(200, "x")
	p, err := envoy.NewProcess(settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	c := envoy.NewConfig()
	c.VMConfig = []byte("vm")
	c.Foreign["echo"] = func(b []byte) ([]byte, abi.Status) { return b, abi.StatusOK }
	l, err := p.NewListener(ctx, module, c)
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewStream(l, 0, envoy.StreamInfo{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.RequestHeaders(abi.Headers{{Name: ":method", Value: "GET"}, {Name: ":path", Value: "/"}, {Name: ":authority", Value: "a"}}, true); err != nil {
		t.Fatal(err)
	}
	return &badGuest{t, p, s}
}

// write puts bytes into the guest's memory.
func (b *badGuest) write(at uint32, data []byte) {
	b.stream.Do(func() { b.stream.ctx.Guest.Memory().Write(at, data) })
}

// read copies bytes of the guest's memory.
func (b *badGuest) read(at, size uint32) (out []byte) {
	b.stream.Do(func() {
		view, _ := b.stream.ctx.Guest.Memory().Read(at, size)
		out = slices.Clone(view)
	})
	return out
}

// call has the guest make a hostcall in the stream's context, and does what it defers. A panic of the host would come
// back as wazero's error.
func (b *badGuest) call(name string, args []uint64) uint32 {
	b.t.Helper()
	var result uint32
	b.stream.Do(func() {
		v := b.stream.ctx.Guest
		if v.Closed() {
			return
		}
		stack := append(slices.Clone(args), 0)
		if err := v.CallExport(b.stream.ctx, "call_"+name, stack); err != nil {
			b.t.Errorf("%s%v: %v", name, args, err)
		}
		result = uint32(stack[0])
		v.AfterCall()
	})
	return result
}

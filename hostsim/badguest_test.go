package hostsim

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/forge"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wire"
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
		if findHostcall(def.module, def.name, version, &profiles[len(profiles)-1]) != nil {
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
	b.stream.do(func() { b.stream.ctx.vm.memory.Write(at, data) })
}

// call has the guest make a hostcall in the stream's context, and does what it defers. A panic of the host would come
// back as wazero's error.
func (b *badGuest) call(name string, args []uint64) uint32 {
	b.t.Helper()
	var result uint32
	b.stream.do(func() {
		c := b.stream.ctx
		v := c.vm
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
		v.afterCall()
	})
	return result
}

// badGuestOK are hostcalls that do not answer InvalidMemoryAccess for a bad pointer, with what they answer instead.
var badGuestOK = map[string]Status{
	"env.proxy_get_property 2":          StatusNotFound, // the path is unknown: nothing is written
	"env.proxy_get_property 3":          StatusNotFound,
	"env.proxy_get_header_map_value 3":  StatusNotFound,
	"env.proxy_get_header_map_value 4":  StatusNotFound,
	"env.proxy_get_shared_data 2":       StatusNotFound,
	"env.proxy_get_shared_data 3":       StatusNotFound,
	"env.proxy_get_shared_data 4":       StatusNotFound,
	"env.proxy_resolve_shared_queue 4":  StatusNotFound,
	"env.proxy_dequeue_shared_queue 1":  StatusNotFound,
	"env.proxy_dequeue_shared_queue 2":  StatusNotFound,
	"env.proxy_get_metric 1":            StatusNotFound,
	"env.proxy_grpc_call 11":            StatusParseFailure, // no such cluster
	"env.proxy_grpc_stream 8":           StatusParseFailure,
	"env.proxy_call_foreign_function 4": StatusNotFound,
	"env.proxy_call_foreign_function 5": StatusNotFound,
}

// TestBadGuestPointers breaks one pointer or size at a time of each hostcall.
func TestBadGuestPointers(t *testing.T) {
	for _, def := range envTable() {
		if !strings.HasPrefix(def.name, "proxy_") || findHostcall(def.module, def.name, abi021, &profiles[len(profiles)-1]) == nil {
			continue
		}
		name := def.module + "." + def.name
		for param, bad := range pointerParams(def.args) {
			for _, value := range bad {
				b := newBadGuest(t, "page one")
				args := make([]uint64, len(def.params))
				for i := range pointerParams(def.args) {
					args[i] = 2048
				}
				for _, i := range sizeParams(def.args) {
					args[i] = 4
				}
				args[value.at] = uint64(value.is)
				want, ok := badGuestOK[name+" "+string(rune('0'+param))]
				if param > 9 {
					want, ok = badGuestOK[name+" 11"]
				}
				if !ok {
					want = StatusInvalidMemoryAccess
				}
				if got := Status(b.call(name, args)); got != want {
					t.Errorf("%s%v: %v, want %v", name, args, got, want)
				}
			}
		}
	}
}

type badValue struct {
	at int
	is uint32
}

// pointerParams are the places of pointers in a hostcall's parameters, each with what can be wrong there.
func pointerParams(spec string) map[int][]badValue {
	out := map[int][]badValue{}
	i := 0
	for _, c := range spec {
		switch c {
		case ' ':
			continue
		case 's', 'b':
			out[i] = []badValue{{i, 0xfffffff0}, {i, 65536}, {i + 1, 0xffffffff}, {i + 1, 63489}}
			i++
		case '_':
			out[i] = []badValue{{i, 0xfffffffe}, {i, 65536}, {i, 65533}}
		}
		i++
	}
	return out
}

func sizeParams(spec string) (at []int) {
	i := 0
	for _, c := range spec {
		if c == ' ' {
			continue
		}
		if c == 's' || c == 'b' {
			at = append(at, i+1)
			i++
		}
		i++
	}
	return at
}

// TestBadGuestAllocator: what cannot be handed over is InvalidMemoryAccess, and a trap in the allocator crashes the VM.
func TestBadGuestAllocator(t *testing.T) {
	for allocator := range allocatorBodies {
		t.Run(allocator, func(t *testing.T) {
			b := newBadGuest(t, allocator)
			b.write(2048, []byte(":path"))
			want := StatusInvalidMemoryAccess
			if allocator == "page one" {
				want = StatusOK
			}
			if got := Status(b.call("env.proxy_get_header_map_pairs", []uint64{0, 4096, 4100})); got != want {
				t.Errorf("pairs: %v, want %v", got, want)
			}
			if crashed := allocator == "traps" || allocator == "calls the host"; b.stream.ctx.vm.failed != crashed {
				t.Errorf("VM crashed: %v, want %v", b.stream.ctx.vm.failed, crashed)
			}
			if got := Status(b.call("env.proxy_get_header_map_value", []uint64{1, 2048, 5, 4096, 4100})); got != StatusBadArgument {
				t.Errorf("map that is not there: %v", got)
			}
		})
	}
}

// FuzzBadGuest has a guest make any hostcalls with any arguments over any memory. The host must not panic, must answer a
// status that exists, and must be able to end the stream and to serve the next.
func FuzzBadGuest(f *testing.F) {
	pairs := wire.AppendPairs(nil, []wire.Pair{{Name: ":method", Value: "GET"}, {Name: ":path", Value: "/"}, {Name: ":authority", Value: "a"}})
	f.Add(uint8(0), append([]byte("request\x00headers\x00a"), pairs...), []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
	f.Add(uint8(1), pairs, slices.Repeat([]byte{35, 0, 0, 1, 7, 2, 40}, 9))
	f.Add(uint8(4), []byte("\x0a\x03\x0a\x01gverify_signature"), slices.Repeat([]byte{0xff, 3, 200, 17, 90}, 20))
	for i := range envTable() {
		f.Add(uint8(0), []byte("ggggxds\x00node\x00id"), slices.Repeat([]byte{byte(i), 1, 4, 1, 4, 1, 4}, 6))
	}
	allocators := []string{"page one", "null", "outside", "at the end", "traps", "calls the host"}
	defs := slices.DeleteFunc(slices.Concat(envTable(), wasiTable()), func(d hostcall) bool {
		return findHostcall(d.module, d.name, abi021, &profiles[len(profiles)-1]) == nil
	})
	f.Fuzz(func(t *testing.T, allocator uint8, memory, program []byte) {
		b := newBadGuest(t, allocators[int(allocator)%len(allocators)])
		const at = 8192
		b.write(at, memory[:min(len(memory), 16384)])
		for calls := 0; len(program) > 0 && calls < 64; calls++ {
			def := defs[int(program[0])%len(defs)]
			program = program[1:]
			args := make([]uint64, len(def.params))
			for i := range args {
				args[i], program = fuzzArgument(program, at, len(memory))
			}
			result := b.call(def.module+"."+def.name, args)
			if strings.HasPrefix(def.name, "proxy_") && result > uint32(StatusUnimplemented) {
				t.Errorf("%s%v answers %d", def.name, args, result)
			}
		}
		b.host.Advance(time.Second)
		b.stream.ClientGone()
		b.host.Advance(time.Second)
	})
}

// fuzzArgument takes an argument off a program: small numbers, pointers into the prepared memory, or anything.
func fuzzArgument(program []byte, base, size int) (uint64, []byte) {
	if len(program) == 0 {
		return 0, nil
	}
	mode, program := program[0], program[1:]
	switch {
	case mode < 64:
		return uint64(mode), program
	case mode < 128:
		return uint64(base + int(mode-64)), program
	case mode < 160:
		return uint64(base + size - int(mode-128)), program
	case mode < 192:
		return uint64(65536 - int(mode-160)), program
	case len(program) < 8:
		return 0xffffffff - uint64(255-mode), nil
	}
	return binary.LittleEndian.Uint64(program), program[8:]
}

// trivialGuest lets every request through.
func trivialGuest() []byte {
	return forge.Guest("0_2_1").Export("proxy_on_context_create", "ii", "").Export("proxy_on_request_headers", "iii", "i").
		Export("proxy_on_response_headers", "iii", "i").Export("proxy_on_log", "i", "").Export("proxy_on_delete", "i", "").Bytes()
}

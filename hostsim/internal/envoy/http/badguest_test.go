package http

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wire"
)

// badGuestOK are hostcalls that do not answer InvalidMemoryAccess for a bad pointer, with what they answer instead.
var badGuestOK = map[string]abi.Status{
	"env.proxy_get_property 2":          abi.StatusNotFound, // the path is unknown: nothing is written
	"env.proxy_get_property 3":          abi.StatusNotFound,
	"env.proxy_get_header_map_value 3":  abi.StatusNotFound,
	"env.proxy_get_header_map_value 4":  abi.StatusNotFound,
	"env.proxy_get_shared_data 2":       abi.StatusNotFound,
	"env.proxy_get_shared_data 3":       abi.StatusNotFound,
	"env.proxy_get_shared_data 4":       abi.StatusNotFound,
	"env.proxy_resolve_shared_queue 4":  abi.StatusNotFound,
	"env.proxy_dequeue_shared_queue 1":  abi.StatusNotFound,
	"env.proxy_dequeue_shared_queue 2":  abi.StatusNotFound,
	"env.proxy_get_metric 1":            abi.StatusNotFound,
	"env.proxy_grpc_call 11":            abi.StatusParseFailure, // no such cluster
	"env.proxy_grpc_stream 8":           abi.StatusParseFailure,
	"env.proxy_call_foreign_function 4": abi.StatusNotFound,
	"env.proxy_call_foreign_function 5": abi.StatusNotFound,
}

// TestBadGuestPointers breaks one pointer or size at a time of each hostcall.
func TestBadGuestPointers(t *testing.T) {
	for _, def := range wasmhost.Hostcalls("0_2_1", newest(t)) {
		if !strings.HasPrefix(def.Name, "proxy_") {
			continue
		}
		name := def.Module + "." + def.Name
		for param, bad := range pointerParams(def.Args) {
			for _, value := range bad {
				b := newBadGuest(t, "page one")
				args := make([]uint64, len(def.Params))
				for i := range pointerParams(def.Args) {
					args[i] = 2048
				}
				for _, i := range sizeParams(def.Args) {
					args[i] = 4
				}
				args[value.at] = uint64(value.is)
				want, ok := badGuestOK[name+" "+string(rune('0'+param))]
				if param > 9 {
					want, ok = badGuestOK[name+" 11"]
				}
				if !ok {
					want = abi.StatusInvalidMemoryAccess
				}
				if got := abi.Status(b.call(name, args)); got != want {
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
			want := abi.StatusInvalidMemoryAccess
			if allocator == "page one" {
				want = abi.StatusOK
			}
			if got := abi.Status(b.call("env.proxy_get_header_map_pairs", []uint64{0, 4096, 4100})); got != want {
				t.Errorf("pairs: %v, want %v", got, want)
			}
			if crashed := allocator == "traps" || allocator == "calls the host"; b.stream.ctx.Guest.Failed() != crashed {
				t.Errorf("VM crashed: %v, want %v", b.stream.ctx.Guest.Failed(), crashed)
			}
			if got := abi.Status(b.call("env.proxy_get_header_map_value", []uint64{1, 2048, 5, 4096, 4100})); got != abi.StatusBadArgument {
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
	for i := range wasmhost.HostcallNames() {
		f.Add(uint8(0), []byte("ggggxds\x00node\x00id"), slices.Repeat([]byte{byte(i), 1, 4, 1, 4, 1, 4}, 6))
	}
	allocators := []string{"page one", "null", "outside", "at the end", "traps", "calls the host"}
	defs := wasmhost.Hostcalls("0_2_1", newest(f))
	f.Fuzz(func(t *testing.T, allocator uint8, memory, program []byte) {
		b := newBadGuest(t, allocators[int(allocator)%len(allocators)])
		const at = 8192
		b.write(at, memory[:min(len(memory), 16384)])
		for calls := 0; len(program) > 0 && calls < 64; calls++ {
			def := defs[int(program[0])%len(defs)]
			program = program[1:]
			args := make([]uint64, len(def.Params))
			for i := range args {
				args[i], program = fuzzArgument(program, at, len(memory))
			}
			result := b.call(def.Module+"."+def.Name, args)
			if strings.HasPrefix(def.Name, "proxy_") && result > uint32(abi.StatusUnimplemented) {
				t.Errorf("%s%v answers %d", def.Name, args, result)
			}
		}
		b.process.Loop.Advance(time.Second)
		b.stream.ClientGone()
		b.process.Loop.Advance(time.Second)
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

// FuzzBadGuestProperty: whatever path is asked for, in whatever phase, is answered with what it has, with NotFound, or with
// SerializationFailure where Envoy has a whole object; and what is set is stored.
func FuzzBadGuestProperty(f *testing.F) {
	for _, path := range []string{"", "\x00", "request", "request\x00", "request\x00headers\x00:path", "request\x00headers\x00", "response\x00trailers\x00a",
		"source\x00port", "source\x00address\x00more", "connection\x00tls_version", "xds\x00node\x00", "xds\x00node", "filter_state\x00wasm.a", "wasm.a",
		"upstream\x00address", "plugin_name\x00", "metadata\x00filter_metadata\x00a", "listener_metadata", "\xff\xfe", "request\x00\x00size"} {
		f.Add([]byte(path), []byte("value"))
	}
	answers := func(s abi.Status) bool {
		return s == abi.StatusOK || s == abi.StatusNotFound || s == abi.StatusSerializationFailure
	}
	f.Fuzz(func(t *testing.T, path, value []byte) {
		const at, limit, out = 8192, 4096, 4096
		path, value = path[:min(len(path), limit)], value[:min(len(value), limit)]
		b := newBadGuest(t, "page one")
		b.write(at, path)
		b.write(at+limit, value)
		get := func() abi.Status {
			return abi.Status(b.call("env.proxy_get_property", []uint64{at, uint64(len(path)), out, out + 4}))
		}
		if s := get(); !answers(s) {
			t.Fatalf("get %q: %v", path, s)
		}
		if s := abi.Status(b.call("env.proxy_set_property", []uint64{at, uint64(len(path)), at + limit, uint64(len(value))})); s != abi.StatusOK {
			t.Fatalf("set %q: %v", path, s)
		}
		if got, ok := b.stream.FilterState()["wasm."+string(path)]; !ok || string(got) != string(value) {
			t.Fatalf("%q was stored as %q, %v", value, got, ok)
		}
		if s := get(); !answers(s) {
			t.Fatalf("get %q after set: %v", path, s)
		}
		b.stream.Do(func() { b.stream.logging = true })
		if s := get(); !answers(s) {
			t.Fatalf("get %q in the log phase: %v", path, s)
		}
		b.stream.Do(func() { b.stream.logging = false })
	})
}

// FuzzBadGuestBuffer holds set_buffer_bytes and get_buffer_bytes on a request body against a plain model.
func FuzzBadGuestBuffer(f *testing.F) {
	f.Add([]byte("hello"), []byte(" there"), uint32(0), uint32(0))
	f.Add([]byte("hello"), []byte("x"), uint32(0), uint32(3))
	f.Add([]byte("hello"), []byte("x"), uint32(5), uint32(1))
	f.Add([]byte("hello"), []byte("x"), uint32(0xffffffff), uint32(0xffffffff))
	f.Add([]byte(""), []byte(""), uint32(0), uint32(0xffffffff))
	f.Fuzz(func(t *testing.T, body, data []byte, start, length uint32) {
		const at, limit, out = 8192, 4096, 4096
		body, data = body[:min(len(body), limit)], data[:min(len(data), limit)]
		b := newBadGuest(t, "page one")
		b.write(at, data)
		held := slices.Clone(body)
		b.stream.Do(func() { b.stream.decode.seenBody = &held })
		status := abi.Status(b.call("env.proxy_set_buffer_bytes", []uint64{0, uint64(start), uint64(length), at, uint64(len(data))}))
		want, wantStatus := slices.Clone(body), abi.StatusOK
		switch {
		case start == 0:
			want = slices.Concat(data, body[min(uint64(length), uint64(len(body))):])
		case uint64(start) >= uint64(len(body)):
			want = slices.Concat(body, data)
		default:
			wantStatus = abi.StatusBadArgument
		}
		if status != wantStatus || string(held) != string(want) {
			t.Fatalf("set [%d:+%d] of %q to %q: %v, %q; want %v, %q", start, length, body, data, status, held, wantStatus, want)
		}
		if got := abi.Status(b.call("env.proxy_get_buffer_bytes", []uint64{0, uint64(start), uint64(length), out, out + 4})); got != abi.StatusOK {
			t.Fatalf("get [%d:+%d] of %d bytes: %v", start, length, len(held), got)
		}
		held = held[min(uint64(start), uint64(len(held))):]
		if got := binary.LittleEndian.Uint32(b.read(out+4, 4)); uint64(got) != min(uint64(length), uint64(len(held))) {
			t.Fatalf("get gave %d bytes, want %d of %d", got, length, len(held))
		}
	})
}

package wasmhost

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tetratelabs/wazero/api"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

// TraceEntry is one Hostcall or callback.
type TraceEntry struct {
	At time.Time
	// Thread: 0 the main thread, else the worker's number from 1. Context is the context that it acts on.
	Thread  int
	Context uint32
	// Callback: the host called the guest; else the guest called the host.
	Callback bool
	Name     string
	// Args is the parameters as text: names, keys and numbers as they are, values only by their length.
	Args string
	// Numbers are the parameters as the ABI passes them, pointers and sizes among them.
	Numbers []uint64
	// Result is what came back: a status, or a callback's answer. Trapped is set when nothing did.
	Result  uint32
	Trapped bool
	// Given is how many bytes the host gave to the guest; -1 when the function returns none.
	Given int
	// Took is how long it took in real time, including everything that it called: for a callback, mostly the guest's own
	// work.
	Took time.Duration

	began time.Time
}

// String is like Envoy's own wasm trace: "[host->vm] proxy_on_tick(1)", "[vm->host] proxy_log(info, 12 bytes) = Ok",
// "[vm->host] proxy_get_header_map_value(request headers, \"x-key\") = Ok, 12 bytes".
func (e TraceEntry) String() string {
	if e.Callback {
		if e.Trapped {
			return fmt.Sprintf("[host->vm] %s(%s) trapped", e.Name, e.Args)
		}
		return fmt.Sprintf("[host->vm] %s(%s) = %d", e.Name, e.Args, e.Result)
	}
	text := fmt.Sprintf("[vm->host] %s(%s) = %s", e.Name, e.Args, abi.Status(e.Result))
	if e.Given >= 0 {
		text += fmt.Sprintf(", %d bytes", e.Given)
	}
	return text
}

// watchedHostcall runs a Hostcall, unless it is intercepted, and records it when the VM is traced.
func (v *VM) watchedHostcall(def *Hostcall, stack []uint64) {
	c := v.contextOrEffective()
	e := TraceEntry{At: v.machine.Clock.Now(), Thread: v.thread.Index, Context: c.ID(), Name: def.Name}
	if !def.wasi {
		e.Args, e.Numbers = v.renderArgs(def.Args, stack), numbersOf(def.Params, stack)
	}
	outer := v.given
	v.given = -1
	began := time.Now()
	var result uint32
	var taken bool
	if !def.wasi {
		result, taken = v.intercepted(&e, stack)
	}
	if !taken {
		result = def.fn(v, stack)
	}
	e.Took, e.Given = time.Since(began), v.given
	v.given = outer
	if len(def.Results) > 0 {
		stack[0] = uint64(result)
	}
	if def.wasi || !v.tracing {
		return
	}
	e.Result = result
	c.Traces().Add(e)
}

// numbersOf are the parameters on a stack, where a 32-bit one may have garbage above it.
func numbersOf(types []api.ValueType, stack []uint64) []uint64 {
	numbers := make([]uint64, len(types))
	for i, t := range types {
		if numbers[i] = stack[i]; t == api.ValueTypeI32 {
			numbers[i] = uint64(uint32(stack[i]))
		}
	}
	return numbers
}

// traceCallback records that a callback begins, and returns its position for traceReturn.
func (v *VM) traceCallback(c GuestContext, cb Callback, args []uint32) int {
	text, numbers := make([]string, len(args)), make([]uint64, len(args))
	for i, a := range args {
		text[i], numbers[i] = strconv.FormatUint(uint64(a), 10), uint64(a)
	}
	return c.Traces().Add(TraceEntry{
		At: v.machine.Clock.Now(), Thread: v.thread.Index, Context: c.ID(), Callback: true,
		Name: callbackTable[cb].name, Args: strings.Join(text, ", "), Numbers: numbers, Given: -1, began: time.Now(),
	})
}

func (v *VM) traceReturn(c GuestContext, cb Callback, at int, result uint32, err error) {
	if len(callbackTable[cb].results) == 0 {
		result = 0
	}
	c.Traces().change(at, func(e *TraceEntry) {
		e.Result, e.Trapped, e.Took = result, err != nil, time.Since(e.began)
	})
}

var (
	mapNames    = [...]string{"request headers", "request trailers", "response headers", "response trailers", "grpc initial", "grpc trailing", "call headers", "call trailers"}
	bufferNames = [...]string{"request body", "response body", "downstream", "upstream", "call body", "grpc", "vm config", "plugin config", "call data"}
	streamNames = [...]string{"request", "response", "downstream", "upstream"}
)

// renderArgs renders parameters as text. Letters: u a number, i a signed one, I a signed 64-bit one, L a level, m a
// map, B a buffer, S a stream type, s a pointer and size shown as text, b a pointer and size shown as a length, _ an
// out-pointer that is left out.
func (v *VM) renderArgs(spec string, stack []uint64) string {
	var out []string
	i := 0
	for _, c := range spec {
		switch c {
		case ' ':
			continue
		case 'u':
			out = append(out, strconv.FormatUint(uint64(uint32(stack[i])), 10))
		case 'i':
			out = append(out, strconv.Itoa(int(int32(uint32(stack[i])))))
		case 'I':
			out = append(out, strconv.FormatInt(int64(stack[i]), 10))
		case 'L':
			out = append(out, abi.Level(uint32(stack[i])).String())
		case 'm':
			out = append(out, nameOf(mapNames[:], stack[i]))
		case 'B':
			out = append(out, nameOf(bufferNames[:], stack[i]))
		case 'S':
			out = append(out, nameOf(streamNames[:], stack[i]))
		case 's':
			out = append(out, v.renderText(stack[i], stack[i+1]))
			i++
		case 'b':
			out = append(out, strconv.FormatUint(uint64(uint32(stack[i+1])), 10)+" bytes")
			i++
		}
		i++
	}
	return strings.Join(out, ", ")
}

func nameOf(names []string, i uint64) string {
	if uint64(uint32(i)) < uint64(len(names)) {
		return names[uint32(i)]
	}
	return strconv.FormatUint(uint64(uint32(i)), 10)
}

// maxTraceText bounds a name or key in the trace.
const maxTraceText = 128

func (v *VM) renderText(ptr, size uint64) string {
	b, ok := v.read(ptr, size)
	if !ok {
		return "bad pointer"
	}
	s := strings.ReplaceAll(string(b[:min(len(b), maxTraceText)]), "\x00", ".")
	return strconv.Quote(s)
}

package hostsim

import (
	"strconv"

	"github.com/tetratelabs/wazero/api"
)

// WithEnvoyTrace hands over each crossing between host and guest in the words of Envoy's own
// `--component-log-level wasm:trace`, so that the two can be held against each other line by line: WASI, start functions
// and the allocator are among them, which Host.Trace leaves out. Thread is 0 for the main thread, else the worker's
// number. The lines hold numbers only, never what the guest sends or is sent:
//
//	[host->vm] proxy_on_request_headers(2, 8, 1)
//	[vm->host] env.proxy_get_header_map_value(0, 1114144, 6, 1048448, 1048452)
//	[host->vm] proxy_on_memory_allocate(4)
//	[host<-vm] proxy_on_memory_allocate return: 1114160
//	[vm<-host] env.proxy_get_header_map_value return: 0
//	[host<-vm] proxy_on_request_headers return: 0
//
// A call that traps has no "return". The receiver is called on the thread of the call, on several at a time, and must not
// call into the Host. Source: proxy-wasm-cpp-host src/v8/v8.cc.
func WithEnvoyTrace(receive func(thread int, line string)) Option {
	return hostOption(func(c *hostConfig) { c.envoyTrace = receive })
}

// traceEnter and traceLeave write the two lines of one crossing: into the guest ("host->vm", "host<-vm") or out of it.
func (v *vm) traceEnter(direction, function string, types []api.ValueType, args []uint64) {
	line := make([]byte, 0, 96)
	line = append(line, '[')
	line = append(line, direction...)
	line = append(line, "] "...)
	line = append(line, function...)
	line = append(line, '(')
	for i, t := range types {
		if i > 0 {
			line = append(line, ", "...)
		}
		line = appendValue(line, t, args[i])
	}
	v.envoyTrace(v.thread.Index, string(append(line, ')')))
}

func (v *vm) traceLeave(direction, function string, types []api.ValueType, results []uint64) {
	value := []byte("void")
	if len(types) > 0 {
		value = appendValue(nil, types[0], results[0])
	}
	v.envoyTrace(v.thread.Index, "["+direction+"] "+function+" return: "+string(value))
}

// appendValue prints a number as Envoy does: without a sign.
func appendValue(line []byte, t api.ValueType, value uint64) []byte {
	if t == api.ValueTypeI32 {
		value = uint64(uint32(value))
	}
	return strconv.AppendUint(line, value, 10)
}

package wasmhost

import (
	"strconv"

	"github.com/tetratelabs/wazero/api"
)

// traceEnter and traceLeave write the two lines of one crossing: into the guest ("host->vm", "host<-vm") or out of it.
func (v *VM) traceEnter(direction, function string, types []api.ValueType, args []uint64) {
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

func (v *VM) traceLeave(direction, function string, types []api.ValueType, results []uint64) {
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

package wasmhost

import (
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

// Each hostcall's parameters are those of the ABI, in p, in order; a 32-bit one may have garbage above and is
// truncated. A pointer outside the guest's memory is InvalidMemoryAccess everywhere, which is not repeated below.

// proxyLog(level, message, size). BadArgument: level above 5.
func proxyLog(v *VM, p []uint64) uint32 {
	if uint32(p[0]) > uint32(abi.LevelCritical) {
		return uint32(abi.StatusBadArgument)
	}
	message, ok := v.read(p[1], p[2])
	if !ok {
		return uint32(abi.StatusInvalidMemoryAccess)
	}
	v.contextOrEffective().Log(abi.Level(uint32(p[0])), v.logText.Keep(message), false)
	return uint32(abi.StatusOK)
}

// proxyGetLogLevel(level*).
func proxyGetLogLevel(v *VM, p []uint64) uint32 {
	return v.putU32(p[0], uint32(v.contextOrEffective().LogLevel()))
}

func (v *VM) putU32(ptr uint64, value uint32) uint32 {
	if !v.writeU32(ptr, value) {
		return uint32(abi.StatusInvalidMemoryAccess)
	}
	return uint32(abi.StatusOK)
}

// proxyGetStatus(code*, message**, size*). The code is the root's last broken callout's and never goes back to 0; the
// message is only there in that callout's callback.
func proxyGetStatus(v *VM, p []uint64) uint32 {
	code, message := v.contextOrEffective().Status()
	if !v.writeU32(p[0], uint32(code)) {
		return uint32(abi.StatusInvalidMemoryAccess)
	}
	return uint32(v.giveString(message, p[1], p[2]))
}

// proxyGetCurrentTime(nanoseconds*): the wall clock.
func proxyGetCurrentTime(v *VM, p []uint64) uint32 {
	if !v.writeU64(p[0], uint64(v.machine.Clock.Now().UnixNano())) {
		return uint32(abi.StatusInvalidMemoryAccess)
	}
	return uint32(abi.StatusOK)
}

// proxySetTickPeriod(ms) sets the tick of the context's root; 0 stops it.
func proxySetTickPeriod(v *VM, p []uint64) uint32 {
	v.contextOrEffective().SetTickPeriod(time.Duration(uint32(p[0])) * time.Millisecond)
	return uint32(abi.StatusOK)
}

// proxySetEffectiveContext(id) holds until the callback returns. BadArgument: no such context.
func proxySetEffectiveContext(v *VM, p []uint64) uint32 {
	id := uint32(p[0])
	if _, ok := v.contexts[id]; !ok {
		return uint32(abi.StatusBadArgument)
	}
	v.effective = id
	return uint32(abi.StatusOK)
}

// proxyDone ends a root whose on_done answered false. NotFound: it did not.
func proxyDone(v *VM, _ []uint64) uint32 {
	return uint32(v.contextOrEffective().Done())
}

// proxyDefineMetric(type, name, size, id*). BadArgument: type above 2. A name that is defined again gets a new id on the
// same metric.
func proxyDefineMetric(v *VM, p []uint64) uint32 {
	kind := uint32(p[0])
	name, ok := v.read(p[1], p[2])
	if !ok {
		return uint32(abi.StatusInvalidMemoryAccess)
	}
	if kind > uint32(abi.Histogram) {
		return uint32(abi.StatusBadArgument)
	}
	v.metrics[kind] = append(v.metrics[kind], v.machine.metrics.define(abi.MetricType(kind), string(name)))
	return v.putU32(p[3], uint32(len(v.metrics[kind]))<<2|kind)
}

// metric finds a metric by its id: the type in the two low bits, counted from 1 above them.
func (v *VM) metric(id uint64) *stat {
	kind, at := uint32(id)&3, int(uint32(id)>>2)-1
	if kind > uint32(abi.Histogram) || at < 0 || at >= len(v.metrics[kind]) {
		return nil
	}
	return v.metrics[kind][at]
}

// proxyIncrementMetric(id, offset). BadArgument: a histogram, or a counter's offset not above 0. NotFound: unknown id.
func proxyIncrementMetric(v *VM, p []uint64) uint32 {
	if kind := uint32(p[0]) & 3; kind > uint32(abi.Gauge) {
		return uint32(abi.StatusBadArgument)
	}
	s := v.metric(p[0])
	if s == nil {
		return uint32(abi.StatusNotFound)
	}
	return uint32(s.increment(int64(p[1])))
}

// proxyRecordMetric(id, value). NotFound: unknown id.
func proxyRecordMetric(v *VM, p []uint64) uint32 {
	s := v.metric(p[0])
	if s == nil {
		return uint32(abi.StatusNotFound)
	}
	return uint32(s.record(p[1]))
}

// proxyGetMetric(id, value*). BadArgument: a histogram. NotFound: unknown id.
func proxyGetMetric(v *VM, p []uint64) uint32 {
	if kind := uint32(p[0]) & 3; kind > uint32(abi.Gauge) {
		return uint32(abi.StatusBadArgument)
	}
	s := v.metric(p[0])
	if s == nil {
		return uint32(abi.StatusNotFound)
	}
	if !v.writeU64(p[1], s.value.Load()) {
		return uint32(abi.StatusInvalidMemoryAccess)
	}
	return uint32(abi.StatusOK)
}

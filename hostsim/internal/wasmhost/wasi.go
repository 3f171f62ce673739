package wasmhost

import (
	"encoding/binary"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/simclock"
)

// WASI error numbers that Envoy returns.
const (
	errnoOK     = 0
	errnoBadf   = 8
	errnoFault  = 21
	errnoInval  = 28
	errnoNoent  = 44
	errnoNosys  = 52
	errnoNotsup = 58
)

// maxRandom bounds one random_get. Source: proxy-wasm-cpp-host include/proxy-wasm/limits.h.
const maxRandom = 64 << 10

// wasiTable lists wasi_snapshot_preview1, which guests may also import as wasi_unstable. It is Envoy's own and small:
// what is missing does not link. Source: proxy-wasm-cpp-host src/exports.cc, src/wasm.cc.
func wasiTable() []Hostcall {
	errno := func(n uint32) func(*VM, []uint64) uint32 { return func(*VM, []uint64) uint32 { return n } }
	wasi := func(name, params string, fn func(*VM, []uint64) uint32) Hostcall {
		return Hostcall{Module: moduleWASI, Name: name, Params: sig(params), Results: sig("i"), fn: fn, wasi: true}
	}
	start := func(h Hostcall) Hostcall { h.atStart = true; return h }
	always := func(h Hostcall) Hostcall { h.atStart, h.inAllocator = true, true; return h }
	stub := func(h Hostcall) Hostcall { h.stubsOnly, h.atStart = true, true; return h }
	poll := wasi("poll_oneoff", "iiii", wasiPollOneoff)
	poll.newerUnrestricted = true
	exit := Hostcall{Module: moduleWASI, Name: "proc_exit", Params: sig("i"), fn: wasiProcExit, wasi: true}
	return []Hostcall{
		always(wasi("fd_write", "iiii", wasiFdWrite)),
		always(wasi("clock_time_get", "iIi", wasiClockTimeGet)),
		start(wasi("random_get", "ii", wasiRandomGet)),
		start(wasi("environ_get", "ii", wasiEnvironGet)),
		start(wasi("environ_sizes_get", "ii", wasiEnvironSizesGet)),
		start(wasi("args_get", "ii", errno(errnoOK))),
		start(wasi("args_sizes_get", "ii", wasiArgsSizesGet)),
		wasi("sched_yield", "", errno(errnoOK)),
		poll, exit,
		start(wasi("fd_fdstat_get", "ii", wasiFdFdstatGet)),
		start(wasi("fd_fdstat_set_flags", "ii", errno(errnoNosys))),
		start(wasi("fd_prestat_get", "ii", errno(errnoBadf))),
		start(wasi("fd_prestat_dir_name", "iii", errno(errnoNosys))),
		wasi("fd_read", "iiii", errno(errnoNosys)),
		wasi("fd_seek", "iIii", errno(errnoOK)),
		wasi("fd_close", "i", errno(errnoOK)),
		wasi("path_open", "iiiiiIIii", errno(errnoNoent)),

		stub(wasi("path_filestat_get", "iiiii", errno(errnoNotsup))),
		stub(wasi("path_create_directory", "iii", errno(errnoNotsup))),
		stub(wasi("path_readlink", "iiiiii", errno(errnoNotsup))),
		stub(wasi("path_remove_directory", "iii", errno(errnoNotsup))),
		stub(wasi("path_rename", "iiiiii", errno(errnoNotsup))),
		stub(wasi("path_unlink_file", "iii", errno(errnoNotsup))),
		stub(wasi("path_filestat_set_times", "iiiiIIi", errno(errnoNotsup))),
		stub(wasi("fd_filestat_get", "ii", errno(errnoBadf))),
		stub(wasi("fd_filestat_set_size", "iI", errno(errnoNotsup))),
		stub(wasi("fd_filestat_set_times", "iIIi", errno(errnoNotsup))),
		stub(wasi("fd_pread", "iiiIi", errno(errnoNotsup))),
		stub(wasi("fd_pwrite", "iiiIi", errno(errnoNotsup))),
		stub(wasi("fd_readdir", "iiiIi", errno(errnoNotsup))),
		stub(wasi("fd_datasync", "i", errno(errnoNotsup))),
		stub(wasi("fd_sync", "i", errno(errnoNotsup))),
		stub(wasi("fd_tell", "ii", errno(errnoNotsup))),
		stub(wasi("fd_advise", "iIIi", errno(errnoNotsup))),
		stub(wasi("fd_allocate", "iII", errno(errnoNotsup))),
		stub(wasi("fd_renumber", "ii", errno(errnoNotsup))),
		stub(wasi("fd_fdstat_set_rights", "iII", errno(errnoNotsup))),
		stub(wasi("path_link", "iiiiii", errno(errnoNotsup))),  // one parameter fewer than the WASI standard,
		stub(wasi("path_symlink", "iiii", errno(errnoNotsup))), // here too: what imports them does not load
		stub(wasi("clock_res_get", "ii", errno(errnoNotsup))),
		stub(wasi("sock_accept", "iii", errno(errnoNotsup))),
		stub(wasi("sock_recv", "iiiiii", errno(errnoNotsup))),
		stub(wasi("sock_send", "iiiii", errno(errnoNotsup))),
		stub(wasi("sock_shutdown", "ii", errno(errnoNotsup))),
	}
}

// wasiFdWrite(fd, iovs, count, written*): stdout is an info line, stderr an error line, without a final newline.
func wasiFdWrite(v *VM, p []uint64) uint32 {
	level := abi.LevelInfo
	switch uint32(p[0]) {
	case 1:
	case 2:
		level = abi.LevelError
	default:
		return errnoBadf
	}
	var text strings.Builder
	for i := range uint64(uint32(p[2])) {
		iov, ok := v.read(p[1]+8*i, 8)
		if !ok {
			return errnoFault
		}
		part, ok := v.read(uint64(binary.LittleEndian.Uint32(iov)), uint64(binary.LittleEndian.Uint32(iov[4:])))
		if !ok {
			return errnoFault
		}
		text.Write(part)
	}
	if text.Len() > 0 {
		v.contextOrEffective().Log(level, strings.TrimSuffix(text.String(), "\n"), false)
	}
	if !v.writeU32(p[3], uint32(text.Len())) {
		return errnoFault
	}
	return errnoOK
}

// wasiClockTimeGet(id, precision, time*): id 0 the wall clock, 1 the monotonic one, else ENOTSUP.
func wasiClockTimeGet(v *VM, p []uint64) uint32 {
	if uint32(p[0]) > 1 {
		return errnoNotsup
	}
	now := v.machine.Clock.Now()
	t := uint64(now.UnixNano())
	if uint32(p[0]) == 1 {
		t = uint64(now.Sub(v.machine.Began) + time.Second)
	}
	if !v.writeU64(p[2], t) {
		return errnoFault
	}
	return errnoOK
}

// wasiRandomGet(buffer, size): at most 64 KiB.
func wasiRandomGet(v *VM, p []uint64) uint32 {
	if uint32(p[1]) > maxRandom {
		return errnoInval
	}
	b, ok := v.read(p[0], p[1])
	if !ok {
		return errnoFault
	}
	_, _ = v.random.Read(b) // never fails, by its contract
	return errnoOK
}

// wasiEnvironGet(pointers*, text*): NAME=value, each with a NUL after it.
func wasiEnvironGet(v *VM, p []uint64) uint32 {
	at, text := p[0], p[1]
	for _, e := range v.environ {
		if !v.writeU32(at, uint32(text)) || !v.memory.WriteString(uint32(text), e+"\x00") {
			return errnoFault
		}
		at, text = at+4, text+uint64(len(e))+1
	}
	return errnoOK
}

// wasiEnvironSizesGet(count*, bytes*).
func wasiEnvironSizesGet(v *VM, p []uint64) uint32 {
	size := 0
	for _, e := range v.environ {
		size += len(e) + 1
	}
	return v.putSizes(p, len(v.environ), size)
}

// wasiArgsSizesGet(count*, bytes*): there are never any.
func wasiArgsSizesGet(v *VM, p []uint64) uint32 { return v.putSizes(p, 0, 0) }

func (v *VM) putSizes(p []uint64, count, size int) uint32 {
	if !v.writeU32(p[0], uint32(count)) || !v.writeU32(p[1], uint32(size)) {
		return errnoFault
	}
	return errnoOK
}

// wasiFdFdstatGet(fd, stat*): only stdout and stderr, with the right to write.
func wasiFdFdstatGet(v *VM, p []uint64) uint32 {
	if fd := uint32(p[0]); fd != 1 && fd != 2 {
		return errnoBadf
	}
	const rightsFDWrite = 64
	stat := make([]byte, 24)
	stat[8] = rightsFDWrite
	if !v.memory.Write(uint32(p[1]), stat) {
		return errnoFault
	}
	return errnoOK
}

// wasiPollOneoff(subscriptions, events, count, nevents*) is ENOSYS up to Envoy 1.38. From 1.39 on it answers at once
// that nothing happened, and the guest asks again until its clock says that it is time; on a fake clock that would be
// forever, so there the time that it wants to sleep passes.
func wasiPollOneoff(v *VM, p []uint64) uint32 {
	if !v.machine.Release.wasiStubs {
		return errnoNosys
	}
	if fake, ok := v.machine.Clock.(*simclock.FakeClock); ok {
		fake.Burn(v.shortestSleep(p[0], p[2]))
	}
	if !v.writeU32(p[3], 0) {
		return errnoFault
	}
	return errnoOK
}

// Layout of a WASI subscription. Source: WASI preview1 witx, $subscription.
const (
	subscriptionSize    = 48
	subscriptionTag     = 8
	subscriptionTimeout = 24
	subscriptionFlags   = 40
	tagClock            = 0
	flagAbsolute        = 1
	maxSubscriptions    = 64
)

// shortestSleep is the least relative timeout among clock subscriptions.
func (v *VM) shortestSleep(at, count uint64) time.Duration {
	shortest := time.Duration(-1)
	for i := range min(uint64(uint32(count)), maxSubscriptions) {
		s, ok := v.read(at+i*subscriptionSize, subscriptionSize)
		if !ok || s[subscriptionTag] != tagClock || s[subscriptionFlags]&flagAbsolute != 0 {
			continue
		}
		d := time.Duration(min(binary.LittleEndian.Uint64(s[subscriptionTimeout:]), uint64(time.Hour)))
		if shortest < 0 || d < shortest {
			shortest = d
		}
	}
	return max(shortest, 0)
}

// wasiProcExit(code) only says so in the log, at Envoy's level, and returns: what the guest does then traps.
// Source: proxy-wasm-cpp-host src/exports.cc, Envoy context.cc Context::error.
func wasiProcExit(v *VM, _ []uint64) uint32 {
	v.contextOrEffective().Log(abi.LevelTrace, "wasi_unstable proc_exit", true)
	return 0
}

package hostsim

import "sync/atomic"

// reloadCounters are the plugin's counters in Envoy: wasm.<name>.vm_reload_success and so on.
type reloadCounters struct {
	success, failure, backoff atomic.Int64
}

// ReloadStats are the counts of what FailReload did.
type ReloadStats struct{ Success, Failure, Backoff int }

func (s *reloadCounters) reset() {
	s.success.Store(0)
	s.failure.Store(0)
	s.backoff.Store(0)
}

// reloadStats reads the counters.
func (h *listener) reloadStats() ReloadStats {
	return ReloadStats{Success: int(h.stats.success.Load()), Failure: int(h.stats.failure.Load()), Backoff: int(h.stats.backoff.Load())}
}

// open: new streams pass a crashed VM by.
func (p FailurePolicy) open() bool { return p == FailOpen || p == FailOpenAlways }

// maybeReload replaces the VM of a crashed instance under FailReload, when the backoff since it was last loaded is over.
// Source: Envoy source/extensions/common/wasm/wasm.cc maybeReloadHandleIfNeeded.
func (in *instance) maybeReload() {
	h := in.generation.host
	if !in.guest.Failed() || in.guest.Closed() || h.config.policy != FailReload {
		return
	}
	if h.process.clock.Now().Sub(in.loaded) < h.process.jittered(h.config.backoff) {
		h.stats.backoff.Add(1)
		return
	}
	old, oldRoot := in.guest, in.root
	if err := in.load(); err != nil {
		in.loaded = h.process.clock.Now()
		h.stats.failure.Add(1)
		return
	}
	h.stats.success.Add(1)
	oldRoot.forget()
	old.CloseUnused()
}

package envoy

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

// ReloadStats reads the counters.
func (h *Listener) ReloadStats() ReloadStats {
	return ReloadStats{Success: int(h.stats.success.Load()), Failure: int(h.stats.failure.Load()), Backoff: int(h.stats.backoff.Load())}
}

// Open: new streams bypass a crashed VM.
func (p FailurePolicy) Open() bool { return p == FailOpen || p == FailOpenAlways }

// MaybeReload replaces the VM of a crashed instance under FailReload, when the backoff since it was last loaded has
// passed.
// Source: Envoy source/extensions/common/wasm/wasm.cc maybeReloadHandleIfNeeded.
func (in *instance) MaybeReload() {
	h := in.Generation.host
	if !in.Guest.Failed() || in.Guest.Closed() || h.Config.Policy != FailReload {
		return
	}
	if h.Process.Clock.Now().Sub(in.loaded) < h.Process.jittered(h.Config.Backoff) {
		h.stats.backoff.Add(1)
		return
	}
	old, oldRoot := in.Guest, in.Root
	if err := in.load(); err != nil {
		in.loaded = h.Process.Clock.Now()
		h.stats.failure.Add(1)
		return
	}
	h.stats.success.Add(1)
	oldRoot.forget()
	old.CloseUnused()
}

package hostsim

import (
	"fmt"
	"time"
)

// flow is what a Stream and a Connection have in common: their place in the plugin, what is known of the client, and
// the events that they have for the network.
type flow struct {
	host     *listener
	instance *instance
	thread   *worker
	info     StreamInfo

	over        bool // destroyed
	lingers     bool // and the client has still to see that
	details     string
	flags       responseFlags
	startedAt   time.Time
	filterState map[string][]byte
	hostcalls   int
	contextID   func() uint32 // 0 when the plugin is skipped
	traceFrom   int           // where the host's trace stood when the flow began
	order       uint64        // among the host's flows

	queue eventQueue
}

// begin makes f one of the configuration in force now.
func (f *flow) begin(h *listener, worker int, info StreamInfo) error {
	if worker < 0 || worker >= len(h.process.workers)-1 {
		return fmt.Errorf("worker %d: the process has %d", worker, len(h.process.workers)-1)
	}
	if err := checkProperties(info.Properties); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return errClosed
	}
	h.nextID++
	f.order = h.nextID
	if info.ConnectionID == 0 {
		info.ConnectionID = h.nextID
	}
	if info.RemoteAddr == "" {
		info.RemoteAddr = h.config.defaultSourceIPPort
	}
	f.host, f.instance, f.thread, f.info = h, h.current.instances[worker+1], h.process.workers[worker+1], info
	if h.config.trace {
		f.traceFrom = h.traces.end()
	}
	f.filterState, f.queue.wake, f.startedAt = map[string][]byte{}, make(chan struct{}, 1), h.process.clock.Now()
	return nil
}

func (f *flow) number() uint64 { return f.order }

// do runs f on the flow's thread and whatever follows from it.
func (f *flow) do(g func()) {
	f.thread.Run(g)
	f.host.process.loop.Settle()
}

// Details are Envoy's response code details, once there is a response; of a connection, why it was closed.
func (f *flow) Details() (details string) {
	f.thread.Run(func() { details = f.details })
	return details
}

// Hostcalls is how many hostcalls the guest made for this stream so far: those in its context, or with it as the
// effective one. WASI is left out.
func (f *flow) Hostcalls() (n int) {
	f.thread.Run(func() { n = f.hostcalls })
	return n
}

// Trace has the hostcalls and callbacks in the flow's own context so far, when the host was made WithTrace. What a
// callback of the root context does for it, such as the answer to a call, is in Host.Trace.
func (f *flow) Trace() (entries []TraceEntry) {
	var context uint32
	f.thread.Run(func() { context = f.contextID() })
	for _, e := range f.host.traces.from(f.traceFrom) {
		if e.Thread == f.thread.Index && e.Context == context {
			entries = append(entries, e)
		}
	}
	return entries
}

// FilterState is what the guest stored with set_property, by key ("wasm." and the path).
func (f *flow) FilterState() (state map[string][]byte) {
	f.thread.Run(func() {
		state = map[string][]byte{}
		for k, v := range f.filterState {
			state[k] = append([]byte(nil), v...)
		}
	})
	return state
}

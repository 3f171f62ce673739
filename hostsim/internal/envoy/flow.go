package envoy

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
)

// ErrStreamOver is returned when a stream that has ended is fed.
var ErrStreamOver = errors.New("stream is over")

// Flow is what a Stream and a Connection have in common: their place in the plugin, what is known of the client, and
// the events that they have for the network.
type Flow struct {
	Host     *Listener
	Instance *instance
	Thread   *worker
	Info     StreamInfo

	Over        bool // destroyed
	Lingers     bool // and the client has yet to see that
	CodeDetails string
	Flags       ResponseFlags
	StartedAt   time.Time
	filterState map[string][]byte
	hostcalls   int
	contextID   uint32 // 0 until the guest has one
	traceFrom   int    // position in the host's trace when the flow began
	order       uint64 // among the host's flows

	Queue eventQueue
}

// Begin binds f to the configuration that is in force now.
func (f *Flow) Begin(h *Listener, worker int, info StreamInfo) error {
	if worker < 0 || worker >= len(h.Process.Workers)-1 {
		return fmt.Errorf("worker %d: the process has %d", worker, len(h.Process.Workers)-1)
	}
	if err := checkProperties(info.Properties); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return ErrClosed
	}
	h.nextID++
	f.order = h.nextID
	if info.ConnectionID == 0 {
		info.ConnectionID = h.nextID
	}
	if info.RemoteAddr == "" {
		info.RemoteAddr = h.Config.defaultSourceIPPort
	}
	f.Host, f.Instance, f.Thread, f.Info = h, h.current.instances[worker+1], h.Process.Workers[worker+1], info
	if h.Config.Trace {
		f.traceFrom = h.Traces.End()
	}
	f.StartedAt = h.Process.Clock.Now()
	return nil
}

func (f *Flow) Number() uint64 { return f.order }

// Do runs f on the flow's thread and whatever follows from it.
func (f *Flow) Do(g func()) {
	f.Thread.Run(g)
	f.Host.Process.Loop.Settle()
}

// Details are Envoy's response code details, once there is a response; of a connection, why it was closed.
func (f *Flow) Details() (details string) {
	f.Thread.Run(func() { details = f.CodeDetails })
	return details
}

// Hostcalls is how many hostcalls the guest made for this stream so far: those in its context, or with it as the
// effective one. WASI is left out.
func (f *Flow) Hostcalls() (n int) {
	f.Thread.Run(func() { n = f.hostcalls })
	return n
}

// Trace has the hostcalls and callbacks in the flow's own context so far, when the host was made WithTrace. What a
// callback of the root context does for it, such as the answer to a call, is in Host.Trace.
func (f *Flow) Trace() (entries []wasmhost.TraceEntry) {
	var context uint32
	f.Thread.Run(func() { context = f.contextID })
	for _, e := range f.Host.Traces.From(f.traceFrom) {
		if e.Thread == f.Thread.Index && e.Context == context {
			entries = append(entries, e)
		}
	}
	return entries
}

// FilterState is what the guest stored with set_property, by key ("wasm." and the path).
func (f *Flow) FilterState() (state map[string][]byte) {
	f.Thread.Run(func() {
		if f.Over { // nothing writes to it any more
			state = f.filterState
			return
		}
		state = maps.Clone(f.filterState)
		for k, v := range state {
			state[k] = bytes.Clone(v)
		}
	})
	if state == nil {
		state = map[string][]byte{}
	}
	return state
}

// ShareState makes f use the filter state of another flow on the same thread.
func (f *Flow) ShareState(with *Flow) { f.filterState = with.state() }

// state is the filter state to write to.
func (f *Flow) state() map[string][]byte {
	if f.filterState == nil {
		f.filterState = map[string][]byte{}
	}
	return f.filterState
}

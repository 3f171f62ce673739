package demo

import (
	"slices"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
)

// What the host's trace shows at each step of a module that was built with the
// tag doormarks: one byte is logged when the step begins, two when it goes on
// after a wait.
const (
	markCall  = "proxy_log"
	markBegin = "trace, 1 bytes"
	markGoOn  = "trace, 2 bytes"
)

// decided are the first calls to the host after the last step, which carry out
// what it decided.
var decided = []string{
	"proxy_send_local_response", "proxy_remove_header_map_value", "proxy_replace_header_map_value",
	"proxy_add_header_map_value", "proxy_set_property", "proxy_continue_stream",
}

// isMark reports whether the entry is in the trace only for the sake of times.
func isMark(e hostsim.TraceEntry) bool {
	return !e.Callback && e.Name == markCall && (e.Args == markBegin || e.Args == markGoOn)
}

// timeDoors reads from the trace of a request, which ended at end, how long it
// was at each door. Without marks, as in a module for production, no door has a
// time.
func timeDoors(doors []door, trace []hostsim.TraceEntry, end time.Time) {
	var at []time.Time // when the request came to each door
	var decision time.Time
	for _, e := range trace {
		switch {
		case e.Callback && e.Name == "proxy_on_request_headers" && len(at) == 0:
			at = append(at, e.At)
		case isMark(e) && e.Args == markBegin && len(at) > 0:
			at, decision = append(at, e.At), time.Time{}
		case isMark(e):
			decision = time.Time{}
		case !e.Callback && decision.IsZero() && slices.Contains(decided, e.Name):
			decision = e.At
		case e.Callback && e.Name == "proxy_on_log":
			end = e.At
		}
	}
	// There is one mark for each step that was reached, or they do not belong to this sequence.
	reached := slices.IndexFunc(doors, func(d door) bool { return d.State == doorBeyond })
	if reached < 0 {
		reached = len(doors)
	}
	through := doors[len(doors)-1].State == doorOpened
	if through {
		at = append(at, decision)
	}
	if len(at) != reached || decision.IsZero() {
		return
	}
	for i := range at {
		until := decision
		switch {
		case i+1 < len(at):
			until = at[i+1]
		case through:
			until = end
		}
		took := float64(until.Sub(at[i]).Microseconds()) / 1000
		doors[i].Took = &took
	}
}

//go:build wasip1 && guestcover

package main

import (
	"bytes"
	"runtime/coverage"
)

//go:wasmimport env proxy_call_foreign_function
func hostForeign(name, argument string, at, size *uint32) uint32

// onDone hands over what ran, when the plugin's root context ends. The module must be built with
// -cover -covermode=atomic -tags guestcover.
//
//go:wasmexport proxy_on_done
func onDone(context uint32) uint32 {
	var meta, counters bytes.Buffer
	if coverage.WriteMeta(&meta) == nil && coverage.WriteCounters(&counters) == nil {
		var at, size uint32
		hostForeign("go_coverage_meta", meta.String(), &at, &size)
		hostForeign("go_coverage_counters", counters.String(), &at, &size)
	}
	return 1
}

//go:build wasip1

package main

import (
	"os"
	"strconv"
	"strings"

	"github.com/sallyport-gateway/sallyport/hostsim/testdata/guests/abi"
)

func main() {}

// script is one root's configuration: operations by event, or by event and name.
type script map[string][]string

var (
	roots   = map[uint32]script{}
	parents = map[uint32]uint32{}
	names   = map[uint32]string{} // by stream: what x-script selects
	waiting uint32                // the stream that made the last call or paused last
	metrics = map[string]uint32{}
	queues  = map[string]uint32{}
	casOf   = map[string]uint32{}
)

func parse(config string) script {
	s := script{}
	for line := range strings.SplitSeq(config, "\n") {
		event, ops, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		event = strings.TrimSpace(event)
		for op := range strings.SplitSeq(ops, ";") {
			if op = strings.TrimSpace(op); op != "" {
				s[event] = append(s[event], op)
			}
		}
		if s[event] == nil {
			s[event] = []string{}
		}
	}
	return s
}

// run does an event's operations. It returns what the last "answer N" or pause said, or else otherwise.
func run(event string, context uint32, otherwise uint32, args ...uint32) uint32 {
	root, isStream := parents[context]
	if !isStream || root == 0 {
		root = context
	}
	s := roots[root]
	ops, ok := s["@"+names[context]+" "+event]
	if !ok {
		ops, ok = s[event]
	}
	if !ok {
		return otherwise
	}
	label := event + " " + strconv.Itoa(int(context))
	for _, a := range args {
		label += " " + strconv.Itoa(int(a))
	}
	e := execution{event: event, context: context, args: args, answer: otherwise}
	for _, op := range ops {
		result := e.do(op)
		if result != "-" {
			abi.Log(abi.Info, label+": "+op+" -> "+result)
		}
	}
	return e.answer
}

//go:wasmexport proxy_on_context_create
func onContextCreate(id, parent uint32) {
	parents[id] = parent
	if _, ok := os.LookupEnv("TRAP_IN_CONTEXT_CREATE"); ok && parent == 0 { // the script is not there yet
		panic("asked to")
	}
	run("context_create", id, 0, parent)
}

//go:wasmexport proxy_on_vm_start
func onVMStart(root, size uint32) uint32 {
	config, _ := abi.Buffer(6, 0, size)
	roots[root] = parse(config)
	return run("vm_start", root, 1, size)
}

//go:wasmexport proxy_on_configure
func onConfigure(root, size uint32) uint32 {
	config, _ := abi.Buffer(7, 0, size)
	roots[root] = parse(config)
	return run("configure", root, 1, size)
}

//go:wasmexport proxy_on_tick
func onTick(root uint32) { run("tick", root, 0) }

//go:wasmexport proxy_on_request_headers
func onRequestHeaders(id, n, eos uint32) uint32 {
	if name, st := abi.Header(0, "x-script"); st == 0 {
		names[id] = name
	}
	return run("request_headers", id, 0, n, eos)
}

//go:wasmexport proxy_on_request_body
func onRequestBody(id, n, eos uint32) uint32 { return run("request_body", id, 0, n, eos) }

//go:wasmexport proxy_on_request_trailers
func onRequestTrailers(id, n uint32) uint32 { return run("request_trailers", id, 0, n) }

//go:wasmexport proxy_on_response_headers
func onResponseHeaders(id, n, eos uint32) uint32 { return run("response_headers", id, 0, n, eos) }

//go:wasmexport proxy_on_response_body
func onResponseBody(id, n, eos uint32) uint32 { return run("response_body", id, 0, n, eos) }

//go:wasmexport proxy_on_response_trailers
func onResponseTrailers(id, n uint32) uint32 { return run("response_trailers", id, 0, n) }

//go:wasmexport proxy_on_request_metadata
func onRequestMetadata(id, n uint32) uint32 { return run("request_metadata", id, 0, n) }

//go:wasmexport proxy_on_response_metadata
func onResponseMetadata(id, n uint32) uint32 { return run("response_metadata", id, 0, n) }

//go:wasmexport proxy_on_http_call_response
func onHTTPCallResponse(root, id, headers, body, trailers uint32) {
	run("http_call_response", root, 0, id, headers, body, trailers)
}

//go:wasmexport proxy_on_queue_ready
func onQueueReady(root, queue uint32) { run("queue_ready", root, 0, queue) }

//go:wasmexport proxy_on_done
func onDone(id uint32) uint32 { return run("done", id, 1) }

//go:wasmexport proxy_on_log
func onLog(id uint32) { run("log", id, 0) }

//go:wasmexport proxy_on_delete
func onDelete(id uint32) {
	run("delete", id, 0)
	delete(roots, id)
	delete(parents, id)
	delete(names, id)
}

package othersdks

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// crossing is one line of an ABI trace: a call between host and guest, or its return.
type crossing struct {
	direction string // host->vm, vm->host, and host<-vm, vm<-host for returns
	function  string // with its module when the guest calls: env.proxy_log
	// args are the parameters that are no pointers into the guest's memory; of a return, its value.
	args string
}

func (c crossing) String() string {
	if strings.Contains(c.direction, "<-") {
		return fmt.Sprintf("[%s] %s return: %s", c.direction, c.function, c.args)
	}
	return fmt.Sprintf("[%s] %s(%s)", c.direction, c.function, c.args)
}

var crossingLine = regexp.MustCompile(`^\[(host->vm|vm->host)\] ([\w.]+)\(([0-9, ]*)\)$|^\[(host<-vm|vm<-host)\] ([\w.]+) return: (void|[0-9]+)$`)

// parseCrossing reads a line as Envoy prints it; false when it is no such line.
func parseCrossing(line string) (crossing, bool) {
	m := crossingLine.FindStringSubmatch(line)
	if m == nil {
		return crossing{}, false
	}
	if m[1] == "" {
		c := crossing{direction: m[4], function: m[5], args: m[6]}
		if isAllocator(c.function) {
			c.args = pointer
		}
		return c, true
	}
	c := crossing{direction: m[1], function: m[2]}
	var args []string
	if m[3] != "" {
		args = strings.Split(m[3], ", ")
	}
	c.args = strings.Join(withoutPointers(c.function, args), ", ")
	return c, true
}

func isAllocator(function string) bool {
	return function == "malloc" || function == "proxy_on_memory_allocate"
}

// pointer stands in the place of an address in the guest's memory.
const pointer = "ptr"

// pointers says, for each function that guests call, which parameters are addresses: p, and which count: v. Sizes count.
// c is a number for compare-and-swap, which counts the writes of all threads: any but 0 is as good as another.
// It is written from the ABI's specification, not from a host.
var pointers = map[string]string{
	"proxy_log": "vpv", "proxy_get_log_level": "p", "proxy_get_status": "ppp", "proxy_get_current_time_nanoseconds": "p",
	"proxy_set_tick_period_milliseconds": "v", "proxy_set_effective_context": "v", "proxy_done": "",
	"proxy_get_property": "pvpp", "proxy_set_property": "pvpv",
	"proxy_get_header_map_value": "vpvpp", "proxy_add_header_map_value": "vpvpv", "proxy_replace_header_map_value": "vpvpv",
	"proxy_remove_header_map_value": "vpv", "proxy_get_header_map_pairs": "vpp", "proxy_set_header_map_pairs": "vpv",
	"proxy_get_header_map_size": "vp", "proxy_get_buffer_status": "vpp", "proxy_get_buffer_bytes": "vvvpp",
	"proxy_set_buffer_bytes": "vvvpv", "proxy_continue_stream": "v", "proxy_close_stream": "v",
	"proxy_continue_request": "", "proxy_continue_response": "", "proxy_clear_route_cache": "", "proxy_get_configuration": "pp",
	"proxy_send_local_response": "vpvpvpvv", "proxy_http_call": "pvpvpvpvvp",
	"proxy_grpc_call": "pvpvpvpvpvvp", "proxy_grpc_stream": "pvpvpvpvp", "proxy_grpc_send": "vpvv",
	"proxy_grpc_cancel": "v", "proxy_grpc_close": "v",
	"proxy_get_shared_data": "pvppp", "proxy_set_shared_data": "pvpvc",
	"proxy_register_shared_queue": "pvp", "proxy_resolve_shared_queue": "pvpvp", "proxy_enqueue_shared_queue": "vpv",
	"proxy_dequeue_shared_queue": "vpp",
	"proxy_define_metric":        "vpvp", "proxy_increment_metric": "vv", "proxy_record_metric": "vv", "proxy_get_metric": "vp",
	"proxy_call_foreign_function": "pvpvpp",

	"fd_write": "vpvp", "clock_time_get": "vvp", "random_get": "pv", "environ_get": "pp", "environ_sizes_get": "pp",
	"args_get": "pp", "args_sizes_get": "pp", "proc_exit": "v", "sched_yield": "", "poll_oneoff": "ppvp",
	"fd_fdstat_get": "vp", "fd_fdstat_set_flags": "vv", "fd_prestat_get": "vp", "fd_prestat_dir_name": "vpv", "fd_close": "v",
	"fd_seek": "vvvp", "fd_read": "vpvp", "path_open": "vvpvvvvvp", "path_filestat_get": "vvpvp", "fd_filestat_get": "vp",
}

// withoutPointers puts the word pointer where one is. A function that is unknown here keeps all.
func withoutPointers(function string, args []string) []string {
	name := function[strings.LastIndexByte(function, '.')+1:]
	kinds, known := pointers[name]
	if !known || len(kinds) != len(args) {
		return args
	}
	for i, k := range kinds {
		switch {
		case k == 'p':
			args[i] = pointer
		case k == 'c' && args[i] != "0":
			args[i] = "cas"
		}
	}
	return args
}

// baseLength is how many calls and returns an initialisation takes.
func baseLength(hostsim []crossing) int {
	for n, c := range hostsim {
		if strings.HasPrefix(c.function, "proxy_on_") {
			return n
		}
	}
	return len(hostsim)
}

// withoutBase drops what hostsim leaves out: Envoy's first VM, of which it makes all others, and which only initialises.
// It is false when the trace does not begin with one.
func withoutBase(envoy, hostsim []crossing) ([]crossing, bool) {
	base := baseLength(hostsim)
	if len(envoy) < base || !slices.Equal(envoy[:base], hostsim[:base]) {
		return envoy, false
	}
	return envoy[base:], true
}

// longestServiceTime is how many digits x-envoy-upstream-service-time may have: it is milliseconds.
const longestServiceTime = 5

var withServiceTime = regexp.MustCompile(`^(2|6), ptr, ptr$`) // the headers of a response, and of a callout's

// forgiveServiceTime makes Envoy's trace blind to one thing: a busy machine takes
// ten milliseconds or more where hostsim's clock says 0, so that the value of
// x-envoy-upstream-service-time has more digits, and the memory that the guest is
// asked for, to hold all headers of a response, has as many bytes more.
func forgiveServiceTime(hostsim, envoy []crossing) {
	for i := 1; i < min(len(hostsim), len(envoy)); i++ {
		h, e, before := hostsim[i], envoy[i], envoy[i-1]
		if h.direction != "host->vm" || e.direction != h.direction || e.function != h.function || !isAllocator(h.function) ||
			before.function != "env.proxy_get_header_map_pairs" || !withServiceTime.MatchString(before.args) {
			continue
		}
		bytes, err := strconv.Atoi(h.args)
		longer, err2 := strconv.Atoi(e.args)
		if err == nil && err2 == nil && bytes < longer && longer < bytes+longestServiceTime {
			envoy[i] = h
		}
	}
}

// diffTraces names the first difference with what led up to it.
func diffTraces(hostsim, envoy []crossing) string {
	const before, after = 6, 3
	for i := range max(len(hostsim), len(envoy)) {
		if i < len(hostsim) && i < len(envoy) && hostsim[i] == envoy[i] {
			continue
		}
		window := func(trace []crossing) (lines []string) {
			for n := max(0, i-before); n < min(len(trace), i+after+1); n++ {
				lines = append(lines, strconv.Itoa(n)+" "+trace[n].String())
			}
			return lines
		}
		return fmt.Sprintf("%d and %d lines; they part at line %d (-hostsim +Envoy):\n%s", len(hostsim), len(envoy), i, cmp.Diff(window(hostsim), window(envoy)))
	}
	return ""
}

func TestParseCrossing(t *testing.T) {
	for _, c := range []struct {
		line string
		want crossing
		ok   bool
	}{
		{"[host->vm] proxy_on_request_headers(2, 8, 1)", crossing{"host->vm", "proxy_on_request_headers", "2, 8, 1"}, true},
		{"[host->vm] _initialize()", crossing{"host->vm", "_initialize", ""}, true},
		{"[vm->host] env.proxy_log(2, 1049000, 17)", crossing{"vm->host", "env.proxy_log", "2, ptr, 17"}, true},
		{"[vm->host] wasi_unstable.fd_write(1, 10, 1, 20)", crossing{"vm->host", "wasi_unstable.fd_write", "1, ptr, 1, ptr"}, true},
		{"[vm<-host] env.proxy_log return: 0", crossing{"vm<-host", "env.proxy_log", "0"}, true},
		{"[host<-vm] malloc return: 1049000", crossing{"host<-vm", "malloc", "ptr"}, true},
		{"[host<-vm] proxy_on_log return: void", crossing{"host<-vm", "proxy_on_log", "void"}, true},
		{"wasm log s1: [host->vm] proxy_on_tick(1)", crossing{}, false},
		{"[host->vm] Terminated", crossing{}, false},
	} {
		got, ok := parseCrossing(c.line)
		if got != c.want || ok != c.ok {
			t.Errorf("%s: got %+v, %v", c.line, got, ok)
		}
	}
}

func TestForgiveServiceTime(t *testing.T) {
	pairs := func(of string) crossing {
		return crossing{"vm->host", "env.proxy_get_header_map_pairs", of + ", ptr, ptr"}
	}
	allocate := func(bytes string) crossing { return crossing{"host->vm", "proxy_on_memory_allocate", bytes} }
	value := crossing{"vm->host", "env.proxy_get_header_map_value", "6, ptr, 5, ptr, ptr"}
	for _, tt := range []struct {
		name           string
		hostsim, envoy []crossing
		forgiven       bool
	}{
		{"a digit more in a callout's response", []crossing{pairs("6"), allocate("64")}, []crossing{pairs("6"), allocate("65")}, true},
		{"three more in a response", []crossing{pairs("2"), allocate("64")}, []crossing{pairs("2"), allocate("67")}, true},
		{"more than it has", []crossing{pairs("6"), allocate("64")}, []crossing{pairs("6"), allocate("69")}, false},
		{"fewer bytes", []crossing{pairs("6"), allocate("64")}, []crossing{pairs("6"), allocate("63")}, false},
		{"a request's headers", []crossing{pairs("0"), allocate("64")}, []crossing{pairs("0"), allocate("65")}, false},
		{"one value", []crossing{value, allocate("1")}, []crossing{value, allocate("2")}, false},
		{"another function", []crossing{pairs("6"), allocate("64")}, []crossing{pairs("6"), {"host->vm", "malloc", "65"}}, false},
		{"a call fewer", []crossing{pairs("6"), allocate("64")}, []crossing{pairs("6")}, false},
	} {
		forgiveServiceTime(tt.hostsim, tt.envoy)
		if diff := diffTraces(tt.hostsim, tt.envoy); (diff == "") != tt.forgiven {
			t.Errorf("%s: %q, want it forgiven: %v", tt.name, diff, tt.forgiven)
		}
	}
}

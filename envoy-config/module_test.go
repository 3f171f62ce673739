package envoyconfig

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// moduleBudget bounds the stripped module, in bytes: V8 compiles it on Envoy's main thread, a second or so a MiB. The
// goal is 3 MiB, 3,145,728 bytes, and is not reached: RATIONALE.md says what each part costs. Only a new feature may raise
// it, and says there by how much.
const moduleBudget = 4 << 20

// safeWASI are the calls that every Envoy from 1.33 on answers, without which the module does not load. poll_oneoff
// is imported by every Go program; up to 1.38 it fails when it is called, which a guest without timers and parked
// goroutines never does.
var safeWASI = []string{
	"args_get", "args_sizes_get", "clock_time_get", "environ_get", "environ_sizes_get", "fd_write", "poll_oneoff",
	"proc_exit", "random_get", "sched_yield",
	"fd_close", "fd_fdstat_get", "fd_fdstat_set_flags", "fd_prestat_dir_name", "fd_prestat_get",
}

// hostcalls are the functions of ABI 0.2.1 that Envoy offers in module "env", without streams of gRPC and the calls that Envoy
// leaves unimplemented.
var hostcalls = []string{
	"proxy_log", "proxy_get_log_level", "proxy_get_status", "proxy_get_current_time_nanoseconds",
	"proxy_set_tick_period_milliseconds", "proxy_set_effective_context", "proxy_done",
	"proxy_get_property", "proxy_set_property",
	"proxy_get_header_map_value", "proxy_add_header_map_value", "proxy_replace_header_map_value",
	"proxy_remove_header_map_value", "proxy_get_header_map_pairs", "proxy_set_header_map_pairs", "proxy_get_header_map_size",
	"proxy_get_buffer_status", "proxy_get_buffer_bytes", "proxy_set_buffer_bytes",
	"proxy_continue_stream", "proxy_close_stream", "proxy_send_local_response", "proxy_http_call",
	"proxy_get_shared_data", "proxy_set_shared_data",
	"proxy_register_shared_queue", "proxy_resolve_shared_queue", "proxy_enqueue_shared_queue", "proxy_dequeue_shared_queue",
	"proxy_define_metric", "proxy_increment_metric", "proxy_record_metric", "proxy_get_metric",
	"proxy_call_foreign_function", "proxy_grpc_call",
}

func TestModuleImports(t *testing.T) {
	module, err := os.ReadFile(wasmbuild.Package(t, "./filter"))
	if err != nil {
		t.Fatal(err)
	}
	// The interpreter decodes the module without compiling it.
	runtime := wazero.NewRuntimeWithConfig(t.Context(), wazero.NewRuntimeConfigInterpreter())
	defer runtime.Close(t.Context())
	compiled, err := runtime.CompileModule(t.Context(), module)
	if err != nil {
		t.Fatal(err)
	}
	allowed := map[string][]string{"env": hostcalls, "wasi_snapshot_preview1": safeWASI}
	imports := compiled.ImportedFunctions()
	if len(imports) == 0 {
		t.Fatal("the module imports nothing: this is not the filter")
	}
	for _, f := range imports {
		module, name, _ := f.Import()
		if !slices.Contains(allowed[module], name) {
			t.Errorf("the module imports %s.%s, which not every Envoy offers", module, name)
		}
	}
	exports := compiled.ExportedFunctions()
	for _, name := range []string{"_initialize", "proxy_abi_version_0_2_1", "proxy_on_request_body", "proxy_on_request_trailers"} {
		if exports[name] == nil {
			t.Errorf("the module does not export %s", name)
		}
	}
	for name := range exports {
		if strings.HasPrefix(name, "proxy_abi_version_") && name != "proxy_abi_version_0_2_1" {
			t.Errorf("the module exports a second ABI version, %s", name)
		}
	}
	t.Logf("%d functions imported, all known", len(imports))
}

func TestModuleBudget(t *testing.T) {
	info, err := os.Stat(wasmbuild.Package(t, "./filter"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the module has %d bytes (%.2f MiB), of %d allowed", info.Size(), float64(info.Size())/(1<<20), moduleBudget)
	if info.Size() > moduleBudget {
		t.Errorf("%d bytes too many", info.Size()-moduleBudget)
	}
}

// TestModuleHasNoSchema looks for words that only the command's description of the configuration has: the linker leaves
// out what the filter never calls.
func TestModuleHasNoSchema(t *testing.T) {
	module, err := os.ReadFile(wasmbuild.Package(t, "./filter"))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"additionalProperties", "Smooths bursts: over the rate", "A parameter of the query."} {
		if bytes.Contains(module, []byte(text)) {
			t.Errorf("the module has %q in it", text)
		}
	}
	if !bytes.Contains(module, []byte("is not a known member")) {
		t.Error("the module has not even the loader's own words: the check finds nothing")
	}
}

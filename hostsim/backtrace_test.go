package hostsim_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/forge"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// TestTrapBacktrace: the log says in which of the guest's functions it trapped, wherever that was. A stripped module has
// only the names of what it exports.
func TestTrapBacktrace(t *testing.T) {
	for _, event := range []string{"request_headers", "response_headers", "log", "tick"} {
		h := newHost(t, event+": nil", hostsim.WithVMConfig([]byte("vm_start: tick 10")))
		do(t, h, hostsim.Request{})
		h.Advance(20 * time.Millisecond)
		trap := trapLine(h)
		lines := strings.Split(trap, "\n")
		if !strings.HasPrefix(lines[0], "Function: proxy_on_"+event+" failed: ") || len(lines) < 4 ||
			lines[1] != "Proxy-Wasm plugin in-VM backtrace:" || !strings.HasPrefix(lines[2], "  0: ") || !strings.HasSuffix(trap, ": proxy_on_"+event) {
			t.Errorf("%s: %s", event, trap)
		}
	}
}

// TestTrapBacktraceNames: with its names, which is how compilers make it unless they are told to strip it, each function
// is there.
func TestTrapBacktraceNames(t *testing.T) {
	file := filepath.Join(t.TempDir(), "guest.wasm")
	build := exec.CommandContext(t.Context(), "go", "build", "-buildmode=c-shared", "-o", file, "./testdata/guests/scripted")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	module, err := hostsim.CompileFile(t.Context(), file, hostsim.CompileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	h, err := module.New(t.Context(), hostsim.WithConfig([]byte("request_headers: nil")))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = errors.Join(h.Process().Close(t.Context()), module.Close(t.Context())) }()
	do(t, h, hostsim.Request{})
	for _, function := range []string{"main.run", "main.onRequestHeaders"} {
		if trap := trapLine(h); !strings.Contains(trap, ": "+function+"\n") {
			t.Errorf("%s is not in %s", function, trap)
		}
	}
}

// TestTrapBacktraceOfConfigure: a refused configuration brings it too.
func TestTrapBacktraceOfConfigure(t *testing.T) {
	_, err := scriptedModule(t).New(t.Context(), hostsim.WithConfig([]byte("configure: nil")))
	var refused *hostsim.ConfigError
	if !errors.As(err, &refused) || !strings.Contains(refused.Error(), ": proxy_on_configure") {
		t.Errorf("%v", err)
	}
}

// TestTrapBacktraceIsBounded: a guest that recurses until its stack is at an end writes no endless line.
func TestTrapBacktraceIsBounded(t *testing.T) {
	const allocatorAndMarker = 2 // functions before this one
	call := append([]byte{0x20, 0, 0x20, 0, 0x20, 0}, forge.Call(allocatorAndMarker)...)
	module := forge.Guest("0_2_1").Body("proxy_on_request_headers", "iii", "i", call...).Bytes()
	h, err := hostsim.New(t.Context(), module)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close(t.Context())
	do(t, h, hostsim.Request{})
	if trap := trapLine(h); trap == "" || strings.Count(trap, "\n") > 66 || len(trap) > 16<<10 {
		t.Errorf("%d lines, %d bytes: %.300s", strings.Count(trap, "\n"), len(trap), trap)
	}
}

// TestExitIsNoError: Envoy says so at a level that nobody sees by default.
func TestExitIsNoError(t *testing.T) {
	path := wasmbuild.Package(t, "./hostsim/testdata/guests/exits")
	module, err := hostsim.CompileFile(t.Context(), path, hostsim.CompileOptions{CacheDir: filepath.Join(filepath.Dir(path), "wazero")})
	if err != nil {
		t.Fatal(err)
	}
	h, err := module.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = errors.Join(h.Process().Close(t.Context()), module.Close(t.Context())) }()
	_, x := do(t, h, hostsim.Request{})
	for _, l := range x.Log {
		if strings.Contains(l.Message, "proc_exit") && l.Level == abi.LevelTrace {
			return
		}
	}
	t.Errorf("log %v, want one line of proc_exit at trace", x.Log)
}

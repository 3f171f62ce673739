package hostsim_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

// rustGuest is a module that the Rust SDK made; see testdata/guests/rust.
func rustGuest(t *testing.T, name string) []byte {
	t.Helper()
	wasm, err := os.ReadFile("testdata/guests/built/rust/" + name + ".wasm")
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

// The lines are Envoy's; that they are the same ones in the same order is held against a real Envoy elsewhere.
func TestEnvoyTrace(t *testing.T) {
	var mu sync.Mutex
	var worker []string
	ctx := context.Background()
	h, err := hostsim.New(ctx, rustGuest(t, "replies"), hostsim.WithConfig([]byte("key sesame")),
		hostsim.WithEnvoyTrace(func(thread int, line string) {
			mu.Lock()
			defer mu.Unlock()
			if thread == 1 {
				worker = append(worker, line)
			}
		}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := h.Close(ctx); err != nil {
			t.Error(err)
		}
	}()
	started := len(worker)
	if r, _, err := h.Do(ctx, hostsim.Request{Headers: abi.Headers{{Name: "x-key", Value: "open"}}}); err != nil || r.Status != 401 {
		t.Fatalf("status %d, %v", r.Status, err)
	}
	text := strings.Join(worker, "\n")
	for _, want := range []string{
		"[host->vm] _initialize()\n[host<-vm] _initialize return: void\n[host->vm] proxy_on_context_create(1, 0)\n",
		"[host->vm] proxy_on_memory_allocate(10)\n[host<-vm] proxy_on_memory_allocate return: ", // the configuration
		"[host<-vm] proxy_on_configure return: 1\n",
		"[vm->host] env.proxy_send_local_response(401, ",
		"[vm<-host] env.proxy_send_local_response return: 0\n[host<-vm] proxy_on_request_headers return: 1\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "sesame") {
		t.Error("the trace has what the guest was given")
	}
	depth := 0
	for n, line := range worker[started:] {
		if strings.Contains(line, "return: ") {
			depth--
		} else {
			depth++
		}
		if depth < 0 || depth > 3 {
			t.Fatalf("line %d: %d calls deep: %s", n, depth, line)
		}
	}
	if depth != 0 {
		t.Errorf("%d calls have no return", depth)
	}
}

// A call that traps returns nothing, and the trace ends there.
func TestEnvoyTraceOfATrap(t *testing.T) {
	var last string
	ctx := context.Background()
	h, err := hostsim.New(ctx, rustGuest(t, "replies"), hostsim.WithConfig([]byte("key sesame")),
		hostsim.WithEnvoyTrace(func(thread int, line string) { last = fmt.Sprint(thread, " ", line) }))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := h.Close(ctx); err != nil {
			t.Error(err)
		}
	}()
	r, _, err := h.Do(ctx, hostsim.Request{Headers: abi.Headers{{Name: "x-key", Value: "sesame"}, {Name: "x-reply", Value: "panic"}}})
	if err != nil || r.Status != 503 {
		t.Fatalf("status %d, %v", r.Status, err)
	}
	if want := "1 [vm<-host] env.proxy_log return: 0"; last != want {
		t.Errorf("the last line is %q, want %q: the panic's message", last, want)
	}
}

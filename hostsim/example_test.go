package hostsim_test

import (
	"context"
	"fmt"
	"log"
	"path/filepath"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/event"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// gate compiles the filter of the folder quickstart: it asks the cluster "auth" about each request, for half a second at
// most. With a CacheDir the second run starts in milliseconds.
func gate(ctx context.Context) *hostsim.Module {
	path, err := wasmbuild.Build(ctx, "./hostsim/quickstart")
	if err != nil {
		log.Fatal(err)
	}
	module, err := hostsim.CompileFile(ctx, path, hostsim.CompileOptions{CacheDir: filepath.Join(filepath.Dir(path), "wazero")})
	if err != nil {
		log.Fatal(err)
	}
	return module
}

// One request, and everything that came of it.
func Example() {
	ctx := context.Background()
	module := gate(ctx)
	defer module.Close(ctx)
	host, err := module.New(ctx, hostsim.WithCluster("auth", upstream.Answer{Delay: 200 * time.Millisecond, Status: 200}))
	if err != nil {
		log.Fatal(err)
	}
	defer host.Close(ctx)

	response, exchange, err := host.Do(ctx, hostsim.Request{Path: "/orders?page=2"})
	if err != nil {
		log.Fatal(err)
	}
	path, _ := exchange.Upstream.Headers.Get(":path")
	fmt.Printf("the client got %d after %v of simulated time\n", response.Status, exchange.Elapsed)
	fmt.Printf("the backend saw %s, auth was asked %d times\n", path, len(exchange.Calls))
	// Output:
	// the client got 200 after 200ms of simulated time
	// the backend saw /orders?page=2, auth was asked 1 times
}

// A cluster fails in any way, and can be changed while the host runs.
func ExampleFault() {
	ctx := context.Background()
	module := gate(ctx)
	defer module.Close(ctx)
	host, err := module.New(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer host.Close(ctx)
	for _, fault := range []upstream.Fault{upstream.FaultRefuse, upstream.FaultTimeout, upstream.FaultNotHTTP, upstream.FaultNoEndpoints} {
		host.Process().SetCluster("auth", upstream.Fail(fault))
		response, exchange, err := host.Do(ctx, hostsim.Request{})
		if err != nil {
			log.Fatal(err)
		}
		said := "nothing"
		for _, line := range exchange.Log {
			said = line.Message
		}
		fmt.Printf("%s: %d after %v, the filter said: %s\n", fault, response.Status, exchange.Elapsed, said)
	}
	// Output:
	// refuse: 403 after 0s, the filter said: auth said 503
	// timeout: 403 after 500ms, the filter said: auth said 504
	// not_http: 403 after 0s, the filter said: auth said 502
	// no_endpoints: 503 after 0s, the filter said: nothing
}

// Several requests in the air: Start leaves time alone, Advance moves it.
func ExampleHost_Start() {
	ctx := context.Background()
	module := gate(ctx)
	defer module.Close(ctx)
	host, err := module.New(ctx, hostsim.WithCluster("auth", upstream.Answer{Delay: 300 * time.Millisecond, Status: 200}))
	if err != nil {
		log.Fatal(err)
	}
	defer host.Close(ctx)

	first, err := host.Start(hostsim.Request{Path: "/first"})
	if err != nil {
		log.Fatal(err)
	}
	host.Advance(200 * time.Millisecond)
	second, err := host.Start(hostsim.Request{Path: "/second"})
	if err != nil {
		log.Fatal(err)
	}
	host.Advance(200 * time.Millisecond)
	fmt.Println("after 400ms: first done:", first.Done(), "second done:", second.Done())
	host.Advance(200 * time.Millisecond)
	fmt.Println("after 600ms: first done:", first.Done(), "second done:", second.Done())
	// Output:
	// after 400ms: first done: true second done: false
	// after 600ms: first done: true second done: true
}

// The trace has every callback and hostcall in order; values only by their length.
func ExampleWithTrace() {
	ctx := context.Background()
	module := gate(ctx)
	defer module.Close(ctx)
	host, err := module.New(ctx, hostsim.WithTrace(), hostsim.WithCluster("auth", upstream.Respond(200, "")))
	if err != nil {
		log.Fatal(err)
	}
	defer host.Close(ctx)
	_, exchange, err := host.Do(ctx, hostsim.Request{Headers: abi.Headers{{Name: "authorization", Value: "Bearer secret"}}})
	if err != nil {
		log.Fatal(err)
	}
	for _, entry := range exchange.Trace {
		fmt.Println(entry)
	}
	// Output:
	// [host->vm] proxy_on_context_create(2, 1) = 0
	// [host->vm] proxy_on_request_headers(2, 7, 1) = 1
	// [vm->host] proxy_get_header_map_value(request headers, "authorization") = Ok, 13 bytes
	// [vm->host] proxy_http_call("auth", 105 bytes, 0 bytes, 4 bytes, 500) = Ok
	// [host->vm] proxy_on_http_call_response(1, 4, 3, 0, 0) = 0
	// [vm->host] proxy_get_header_map_value(call headers, ":status") = Ok, 3 bytes
	// [vm->host] proxy_set_effective_context(2) = Ok
	// [vm->host] proxy_continue_stream(request) = Ok
	// [host->vm] proxy_on_delete(2) = 0
}

// Without Do you are the network: the stream says what to send where.
func ExampleHost_NewStream() {
	ctx := context.Background()
	module := gate(ctx)
	defer module.Close(ctx)
	host, err := module.New(ctx, hostsim.WithCluster("auth", upstream.Respond(200, "")))
	if err != nil {
		log.Fatal(err)
	}
	defer host.Close(ctx)
	stream, err := host.NewStream(0, hostsim.StreamInfo{RemoteAddr: "192.0.2.1:4711"})
	if err != nil {
		log.Fatal(err)
	}
	get := abi.Headers{{Name: ":method", Value: "GET"}, {Name: ":path", Value: "/"}, {Name: ":authority", Value: "example.com"}}
	if err := stream.RequestHeaders(get, true); err != nil {
		log.Fatal(err)
	}
	for {
		next, err := stream.Next(ctx)
		if err != nil { // io.EOF
			break
		}
		fmt.Println(next.Kind)
		if next.Kind == event.ToUpstreamHeaders {
			_ = stream.ResponseHeaders(abi.Headers{{Name: ":status", Value: "204"}}, true)
		}
	}
	// Output:
	// to upstream: headers
	// to client: headers
	// end
}

// An Envoy that is killed and comes back: requests in flight are cut, and the filter starts again.
func ExampleProcess_Restart() {
	ctx := context.Background()
	module := gate(ctx)
	defer module.Close(ctx)
	host, err := module.New(ctx, hostsim.WithCluster("auth", upstream.Answer{Delay: time.Second / 4, Status: 200}))
	if err != nil {
		log.Fatal(err)
	}
	defer host.Close(ctx)
	pending, err := host.Start(hostsim.Request{})
	if err != nil {
		log.Fatal(err)
	}
	if err := host.Process().Restart(); err != nil {
		log.Fatal(err)
	}
	cut, _, err := pending.Wait(ctx)
	if err != nil {
		log.Fatal(err)
	}
	next, _, err := host.Do(ctx, hostsim.Request{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("in flight: cut", cut.Reset, "next:", next.Status)
	// Output: in flight: cut true next: 200
}

// Inspect says what each Envoy version makes of a module, without running it.
func ExampleInspect() {
	notWasm := hostsim.Inspect(context.Background(), []byte("\x00asm\x01\x00\x00\x00"))
	for _, verdict := range notWasm.Verdicts[:1] {
		fmt.Println(verdict.Profile, verdict.Loads, verdict.Refusal[0].Words)
	}
	// Output: 1.36 false Missing or unknown Proxy-Wasm ABI version
}

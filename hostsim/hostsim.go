// Package hostsim runs any proxy-wasm module under wazero by Envoy's rules: its order of callbacks, its statuses, its
// failures and its odd corners, in milliseconds and on a clock that the test moves by hand.
//
// A Process is one Envoy: a main thread, workers, shared data, queues, metrics and a clock. A Host is one listener in
// it with one Wasm plugin in its filter chain. New makes both:
//
//	host, err := hostsim.New(ctx, wasm, hostsim.WithConfig(config),
//		hostsim.WithCluster("auth", upstream.Respond(200, "ok")))
//	response, exchange, err := host.Do(ctx, hostsim.Request{Method: "GET", Path: "/orders"})
//
// The fidelity table in the package's README says what is simulated, and how well.
package hostsim

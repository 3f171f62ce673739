//go:build wasip1

package main

//go:wasmexport proxy_on_new_connection
func onNewConnection(id uint32) uint32 { return run("new_connection", id, 0) }

//go:wasmexport proxy_on_downstream_data
func onDownstreamData(id, n, eos uint32) uint32 { return run("downstream_data", id, 0, n, eos) }

//go:wasmexport proxy_on_upstream_data
func onUpstreamData(id, n, eos uint32) uint32 { return run("upstream_data", id, 0, n, eos) }

//go:wasmexport proxy_on_downstream_connection_close
func onDownstreamClose(id, how uint32) { run("downstream_close", id, 0, how) }

//go:wasmexport proxy_on_upstream_connection_close
func onUpstreamClose(id, how uint32) { run("upstream_close", id, 0, how) }

//go:build wasip1

package main

func main() {}

//go:wasmexport proxy_on_request_headers
func onRequestHeaders(_, _, _ uint32) uint32 { return 0 }

//go:build wasip1

package main

import "github.com/sallyport-gateway/sallyport/hostsim/testdata/guests/abi"

func main() {}

//go:wasmexport proxy_on_request_headers
func onRequestHeaders(_, _ uint32) uint32 {
	abi.Log(abi.Info, "never said")
	return 0
}

//go:build wasip1

package main

import "github.com/sallyport-gateway/sallyport/hostsim/testdata/guests/abi"

func init() { abi.Log(abi.Info, "initialized") }

func main() {}

//go:wasmexport proxy_on_request_headers
func onRequestHeaders(_, _, _ uint32) uint32 {
	abi.Log(abi.Info, "request")
	return 0
}

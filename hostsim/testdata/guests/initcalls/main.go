//go:build wasip1

package main

import "github.com/sallyport-gateway/sallyport/hostsim/testdata/guests/abi"

func init() { abi.SetTick(100) }

func main() {}

//go:wasmexport proxy_on_request_headers
func onRequestHeaders(_, _, _ uint32) uint32 { return 0 }

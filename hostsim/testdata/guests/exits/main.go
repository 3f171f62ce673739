//go:build wasip1

package main

import (
	"os"

	"github.com/sallyport-gateway/sallyport/hostsim/testdata/guests/abi"
)

func main() {}

//go:wasmexport proxy_on_request_headers
func onRequestHeaders(_, _, _ uint32) uint32 {
	abi.Log(abi.Info, "leaving")
	os.Exit(3)
	return 0
}

//go:build wasip1

package main

import (
	"unsafe"

	"github.com/sallyport-gateway/sallyport/hostsim/testdata/guests/abi"
)

func main() {}

var blocks [][]byte

//go:wasmexport malloc
func malloc(size uint32) unsafe.Pointer {
	b := make([]byte, size)
	blocks = append(blocks, b)
	abi.SetTick(0)
	abi.Log(abi.Info, "never said")
	return unsafe.Pointer(&b[0])
}

//go:wasmexport proxy_on_request_headers
func onRequestHeaders(_, _, _ uint32) uint32 {
	abi.Header(0, ":path")
	return 0
}

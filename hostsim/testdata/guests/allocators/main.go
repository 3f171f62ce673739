//go:build wasip1

package main

import (
	"strconv"
	"unsafe"

	"github.com/sallyport-gateway/sallyport/hostsim/testdata/guests/abi"
)

func main() {}

var (
	blocks  [][]byte
	mallocs int
)

//go:wasmexport malloc
func malloc(size uint32) unsafe.Pointer {
	mallocs++
	b := make([]byte, size)
	blocks = append(blocks, b)
	return unsafe.Pointer(&b[0])
}

//go:wasmexport proxy_on_request_headers
func onRequestHeaders(_, _, _ uint32) uint32 {
	path, _ := abi.Header(0, ":path")
	abi.Header(0, "absent")
	abi.Header(0, "x-empty")
	abi.Log(abi.Info, "read "+path+" with "+strconv.Itoa(mallocs)+" calls of malloc")
	return 0
}

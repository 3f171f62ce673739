// Command empty is the floor of the bench: a filter in standard Go that does
// nothing. It exports only what every filter needs that keeps something for
// each stream (context_create, request_headers, delete): each further callback
// would cost every request a call into the VM.
package main

import "unsafe"

func main() {}

//go:wasmexport proxy_abi_version_0_2_1
func abiVersion() {}

//go:wasmexport proxy_on_memory_allocate
func onMemoryAllocate(size uint32) unsafe.Pointer {
	block := make([]byte, max(size, 1))
	return unsafe.Pointer(&block[0])
}

//go:wasmexport proxy_on_vm_start
func onVMStart(_, _ uint32) uint32 { return 1 }

//go:wasmexport proxy_on_configure
func onConfigure(_, _ uint32) uint32 { return 1 }

//go:wasmexport proxy_on_context_create
func onContextCreate(_, _ uint32) {}

//go:wasmexport proxy_on_request_headers
func onRequestHeaders(_, _, _ uint32) uint32 { return 0 }

//go:wasmexport proxy_on_delete
func onDelete(_ uint32) {}

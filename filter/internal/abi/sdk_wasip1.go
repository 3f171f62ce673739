//go:build wasip1

package abi

import _ "unsafe" // for go:linkname

// The SDK's own entry points, which it exports to TinyGo only.

//go:linkname registerHost github.com/tetratelabs/proxy-wasm-go-sdk/proxywasm/internal.RegisterMockWasmHost
func registerHost(h sdkHost) (release func())

//go:linkname sdkOnContextCreate github.com/tetratelabs/proxy-wasm-go-sdk/proxywasm/internal.proxyOnContextCreate
func sdkOnContextCreate(id, parent uint32)

//go:linkname sdkOnVMStart github.com/tetratelabs/proxy-wasm-go-sdk/proxywasm/internal.proxyOnVMStart
func sdkOnVMStart(root uint32, size int) bool

//go:linkname sdkOnConfigure github.com/tetratelabs/proxy-wasm-go-sdk/proxywasm/internal.proxyOnConfigure
func sdkOnConfigure(root uint32, size int) bool

//go:linkname sdkOnTick github.com/tetratelabs/proxy-wasm-go-sdk/proxywasm/internal.proxyOnTick
func sdkOnTick(root uint32)

//go:linkname sdkOnDelete github.com/tetratelabs/proxy-wasm-go-sdk/proxywasm/internal.proxyOnDelete
func sdkOnDelete(id uint32)

func init() {
	registerHost(&sdkBridge{}) // the release function would unlock a mutex that only tests need
	if pinned {
		pin(&sdkBridge{})
	}
}

// pinned is never true. The linker drops methods that it sees no call of, and
// it sees none through the SDK's interface, which is another type to it: pin
// calls those once that the SDK calls in the life of VM and plugin, where the
// linker cannot tell that it never runs. The others stay out of the module.
var pinned bool

func pin(h sdkHost) {
	h.ProxyGetBufferBytes(0, 0, 0, nil, nil)
	h.ProxySetTickPeriodMilliseconds(0)
}

//go:build wasip1

package abi

import "github.com/tetratelabs/proxy-wasm-go-sdk/proxywasm/types"

// The contexts of the VM and of its plugin instances, and their life cycle, are
// the SDK's (types.VMContext, types.PluginContext). Its package proxywasm, which
// would call them, links fmt and os into the guest, 162 KB that every VM compiles;
// so they are called here.
var vmContext types.VMContext = &types.DefaultVMContext{}

// SetVMContext sets the context of this VM. It is called once, in an init
// function, as proxywasm.SetVMContext is.
func SetVMContext(c types.VMContext) { vmContext = c }

func createPlugin(root uint32) { plugins[root] = vmContext.NewPluginContext(root) }

func startVM(size uint32) bool { return bool(vmContext.OnVMStart(int(size))) }

func startPlugin(root, size uint32) bool { return bool(plugin(root).OnPluginStart(int(size))) }

// plugin is the instance of a root context. A host that calls one it has not
// created is broken: the panic is logged.
func plugin(root uint32) types.PluginContext {
	p := plugins[root]
	if p == nil {
		panic("a callback of a plugin that was not created")
	}
	return p
}

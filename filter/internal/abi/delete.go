package abi

import "github.com/tetratelabs/proxy-wasm-go-sdk/proxywasm/types"

// plugins are the contexts of plugin instances, by their root contexts.
var plugins = map[uint32]types.PluginContext{}

var onDeleted func(contextID uint32)

// HandleDeletes sets what is called when the host deletes a root context, after
// which its id means nothing.
func HandleDeletes(f func(contextID uint32)) { onDeleted = f }

func deleted(contextID uint32) {
	forget(contextID)
	delete(plugins, contextID)
	if onDeleted != nil {
		onDeleted(contextID)
	}
}

package abi

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

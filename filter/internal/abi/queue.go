package abi

var onQueueReady func(root, queue uint32)

// HandleQueues sets what is called when there is a message in a queue that the
// root context has registered.
func HandleQueues(f func(root, queue uint32)) { onQueueReady = f }

func queueReady(root, queue uint32) {
	if onQueueReady != nil {
		onQueueReady(root, queue)
	}
}

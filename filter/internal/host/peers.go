package host

// Peers are the other VMs of the host, one thread each, that run the same steps.
type Peers interface {
	// Queue is where this VM listens; ok is false when the host has no queues.
	Queue() (queue uint32, ok bool)
	// Tell sends a message to whoever listens at a queue. It may be lost.
	Tell(queue uint32, message []byte)
	// Join lets a step receive messages and ticks.
	Join(Background)
}

// Background is a step that works between requests.
type Background interface {
	// Busy reports whether Tick has anything to do.
	Busy() bool
	// Tick is called often while time passes; now is in unix nanoseconds.
	Tick(now int64)
	// Hear gets every message to this VM, whoever sent it and whichever step it
	// is meant for.
	Hear(message []byte, now int64)
}

// NoPeers is for a host without other VMs.
type NoPeers struct{}

// Queue implements Peers.
func (NoPeers) Queue() (uint32, bool) { return 0, false }

// Tell implements Peers.
func (NoPeers) Tell(uint32, []byte) {}

// Join implements Peers.
func (NoPeers) Join(Background) {}

package abi

// Landing is called with the number of headers and of body bytes of a callout's
// answer. No headers at all means that the call was reset on its way.
type Landing func(numHeaders, bodySize int)

// GRPCLanding is called with the status of a unary call and the size of its
// message; with a status other than 0 there is no message.
type GRPCLanding func(status, size int)

// callouts are the calls in flight, by the root context that owns them. The
// host numbers calls per VM, gRPC calls separately from the others, and may
// reuse a number after its call has ended.
var callouts = map[uint32]map[uint32]Landing{}

//go:noinline
func launched(root, call uint32, land Landing) {
	if callouts[root] == nil {
		callouts[root] = map[uint32]Landing{}
	}
	callouts[root][call] = land
}

// landed hands an answer to whoever asked; an answer that nobody asked for, or
// that has come already, is ignored.
func landed(root, call uint32, numHeaders, bodySize int) {
	land, ok := callouts[root][call]
	if !ok {
		return
	}
	delete(callouts[root], call)
	land(numHeaders, bodySize)
}

// forget drops the calls that a deleted root context still had in flight: the
// host cancels them and calls nobody back.
func forget(contextID uint32) { delete(callouts, contextID) }

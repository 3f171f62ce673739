package abi

// Landing is told how many headers and how many body bytes a callout's answer
// has. No headers at all means that the call was reset on its way.
type Landing func(numHeaders, bodySize int)

// GRPCLanding is told the status of a unary call and the size of its message; a
// status other than 0 has none.
type GRPCLanding func(status, size int)

// callouts are the calls in the air, by the root context that owns them. The
// host numbers calls per VM, those of gRPC apart from others, but a number may come again after the call ended.
var callouts = map[uint32]map[uint32]Landing{}

//go:noinline
func launched(root, call uint32, land Landing) {
	if callouts[root] == nil {
		callouts[root] = map[uint32]Landing{}
	}
	callouts[root][call] = land
}

// landed hands an answer to whoever asked; an answer that nobody asked for, or
// that came before, is ignored.
func landed(root, call uint32, numHeaders, bodySize int) {
	land, ok := callouts[root][call]
	if !ok {
		return
	}
	delete(callouts[root], call)
	land(numHeaders, bodySize)
}

// forget drops what a root context that is deleted still had in the air: the
// host cancels such calls and calls nobody back.
func forget(contextID uint32) { delete(callouts, contextID) }

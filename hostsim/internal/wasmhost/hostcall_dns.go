package wasmhost

import (
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

// envoyResolveDNS(address, size, token*): Envoy's own function, which no SDK offers. It links, and resolves nothing here.
func envoyResolveDNS(*VM, []uint64) uint32 { return uint32(abi.StatusUnimplemented) }

package hostsim

// envoyResolveDNS(address, size, token*): Envoy's own function, which no SDK offers. It links, and resolves nothing here.
func envoyResolveDNS(*vm, []uint64) uint32 { return uint32(StatusUnimplemented) }

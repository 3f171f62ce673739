//go:build wasip1

package abi

func GRPCCall(service, name, method string, metadata []byte, message string, ms uint32) (uint32, uint32) {
	var id uint32
	c, cn := sp(service)
	s, sn := sp(name)
	m, mn := sp(method)
	md, mdn := bp(metadata)
	b, bn := sp(message)
	st := grpcCall(c, cn, s, sn, m, mn, md, mdn, b, bn, ms, ptr(&id))
	return id, st
}

func GRPCStream(service, name, method string, metadata []byte) (uint32, uint32) {
	var id uint32
	c, cn := sp(service)
	s, sn := sp(name)
	m, mn := sp(method)
	md, mdn := bp(metadata)
	st := grpcStream(c, cn, s, sn, m, mn, md, mdn, ptr(&id))
	return id, st
}

func GRPCSend(id uint32, message string, end uint32) uint32 {
	p, n := sp(message)
	return grpcSend(id, p, n, end)
}

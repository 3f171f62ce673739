// Package host defines what the filter needs from the proxy around it, in types
// that every part of the filter shares. It is a leaf: it imports no other
// package of ours.
package host

// Header is one header line. Names are lower case, as proxies give them. The
// strings of a request's headers are good until the callback that read them
// returns, or, if the stream was parked, for as long as it lives.
type Header struct{ Name, Value string }

// Store is the data that all VMs of the proxy share.
type Store interface {
	// Get reads a key. The caller may change the value, which is good until the
	// next Get or until the callback ends; cas is never 0. The error is sharedtable.ErrNotFound, or says that the proxy failed.
	Get(key string) (value []byte, cas uint32, err error)

	// Set writes a key, and does not retain value. On an absent key cas is
	// ignored; on an existing one 0 overwrites, and any other cas must be the
	// one that Get gave, else the error is sharedtable.ErrCASMismatch
	// (proxy-wasm-cpp-host, src/shared_data.cc).
	Set(key string, value []byte, cas uint32) error
}

// Package host says what the filter needs of the proxy around it, in types that
// every part of the filter shares. It is a leaf: it imports nothing of ours.
package host

// Header is one header line. Names are lower case, as proxies give them. The
// strings of a request's headers are good until the callback returns in which
// they were read, or for as long as the stream lives when it was parked.
type Header struct{ Name, Value string }

// Store is the data that all VMs of the proxy share.
type Store interface {
	// Get reads a key. The caller may change the value, which is good until the
	// next Get or until the callback ends; cas is never 0. The error is sharedtable.ErrNotFound, or says that the proxy failed.
	Get(key string) (value []byte, cas uint32, err error)

	// Set writes a key, and keeps nothing of value. On an absent key cas is
	// ignored; on an existing one 0 overwrites, and any other cas must be the
	// one that Get gave, else the error is sharedtable.ErrCASMismatch
	// (proxy-wasm-cpp-host, src/shared_data.cc).
	Set(key string, value []byte, cas uint32) error
}

package abi

// Streams handles what happens to the host's HTTP streams.
type Streams interface {
	// Open begins a stream that belongs to a root context.
	Open(stream, root uint32)
	// Headers, Body and Trailers report whether the request may go on.
	Headers(stream uint32) (pass bool)
	Body(stream uint32) (pass bool)
	Trailers(stream uint32) (pass bool)
	// Log is a stream's log phase.
	Log(stream uint32)
	// Delete ends a stream, after which its id means nothing. It reports whether
	// there was one.
	Delete(stream uint32) bool
}

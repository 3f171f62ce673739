package plugin

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/abi"
	"github.com/sallyport-gateway/sallyport/filter/internal/engine"
)

// streams are all streams of the VM, of whichever plugin instance, by the host's
// id for them: abi.Streams over engines.
type streams struct {
	engines map[uint32]*engine.Engine
	table   table

	// The instance that was asked for last, nil for none: usually it is the
	// only one.
	last *engine.Engine
	root uint32
}

var _ abi.Streams = (*streams)(nil)

// Open implements abi.Streams. A host that opens one twice, or for no instance,
// is broken: the panic refuses the request.
func (s *streams) Open(id, root uint32) {
	if s.last == nil || s.root != root {
		s.last, s.root = s.engines[root], root
	}
	if s.last == nil || s.find(id) != nil {
		panic("a stream that cannot be")
	}
	s.table.add(s.last.Open(id))
}

// forget is for an instance that has been taken out of engines.
func (s *streams) forget() { s.last = nil }

func (s *streams) Headers(id uint32) bool  { return s.of(id).OnRequestHeaders() == engine.Pass }
func (s *streams) Body(id uint32) bool     { return s.of(id).OnRequestBody() == engine.Pass }
func (s *streams) Trailers(id uint32) bool { return s.of(id).OnRequestTrailers() == engine.Pass }

// Log implements abi.Streams.
func (s *streams) Log(id uint32) {
	if stream := s.find(id); stream != nil {
		stream.OnLog()
	}
}

// Delete implements abi.Streams. The stream is removed from the table first: it
// may serve another request from then on.
func (s *streams) Delete(id uint32) bool {
	stream := s.table.remove(id)
	if stream == nil {
		return false
	}
	stream.Close()
	return true
}

func (s *streams) find(id uint32) *engine.Stream { return s.table.find(id) }

// of is find for a callback that decides: without a stream it panics, which
// refuses the request.
func (s *streams) of(id uint32) *engine.Stream {
	stream := s.find(id)
	if stream == nil {
		panic("a callback of a stream that was not opened")
	}
	return stream
}

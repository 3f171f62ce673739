package engine

import "github.com/sallyport-gateway/sallyport/filter/internal/pipeline"

// maxPooled bounds the streams that are kept for reuse: as many as are open at
// once in a busy VM.
const maxPooled = 256

// pool has streams that have ended, to serve other requests: a stream is a
// kilobyte, and most requests need nothing else from the heap.
type pool struct {
	first *Stream
	count int
}

// take gives a stream that is as good as new, or nil.
func (p *pool) take() *Stream {
	s := p.first
	if s != nil {
		p.first, s.Next = s.Next, nil
		p.count--
	}
	return s
}

// give takes a stream that has ended. One that was parked, whatever happened to
// it, is left to the garbage collector: what it waited for may still point to
// it. So is one that a panic may have left half done.
func (p *pool) give(s *Stream) {
	if s.kept || s.failed || s.Next != nil || p.count >= maxPooled {
		return
	}
	s.reset()
	p.first, s.Next = s, p.first
	p.count++
}

// reset leaves nothing of the request but the memory of its lists.
func (s *Stream) reset() {
	s.exchange.Reset()
	s.run = pipeline.Run{}
	s.id, s.phase, s.size, s.deadline, s.began, s.reason, s.answered, s.recorded, s.woken, s.replied = 0, fresh, 0, 0, 0, 0, 0, false, false, false
}

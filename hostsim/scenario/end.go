package scenario

import (
	"fmt"
	"sync"
)

// End collects what one end of a TCP connection sees. A driver keeps one for each
// end. Its methods can be called from several goroutines.
type End struct {
	mu   sync.Mutex
	got  []byte
	saw  []string
	told int // of saw
}

// Connected is what a backend that accepts a connection sees first.
const Connected = "connected"

// Got is data that arrived.
func (e *End) Got(data []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.got = append(e.got, data...)
}

// Saw is Connected, or what the other side did: Ends, which counts once when a
// close follows a half-close, or Resets.
func (e *End) Saw(what string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if n := len(e.saw); n == 0 || e.saw[n-1] != what {
		e.saw = append(e.saw, what)
	}
}

// maxShownData bounds the data in a line; of more, only the length is shown.
const maxShownData = 300

// news is what came since the last call.
func (e *End) news(who string) (out []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var after []string
	for _, what := range e.saw[e.told:] {
		if what == Connected {
			out = append(out, who+" connected")
		} else {
			after = append(after, who+" sees the "+what)
		}
	}
	switch {
	case len(e.got) > maxShownData:
		out = append(out, fmt.Sprintf("%s got %d bytes", who, len(e.got)))
	case len(e.got) > 0:
		out = append(out, fmt.Sprintf("%s got %q", who, e.got))
	}
	e.got, e.told = nil, len(e.saw)
	return append(out, after...)
}

// Converse is for drivers: it makes the moves one by one and returns Result.Ends.
// settle waits until the effects of a move can be seen.
func Converse(moves []Move, client, backend *End, do func(Move), settle func()) [][]string {
	look := func() []string {
		settle()
		return append(client.news(ClientEnd), backend.news(BackendEnd)...)
	}
	seen := [][]string{look()}
	for _, m := range moves {
		do(m)
		seen = append(seen, look())
	}
	return seen
}

package scenario

import (
	"context"
	"time"
)

// Sent is a request as a client sends it.
type Sent struct {
	Request
	// Name is that of a request that the file does not wait for at once; "" for
	// the others.
	Name string
	// Times is how often it is sent at the same time, each on a connection of
	// its own; 0 for once.
	Times int
	// Gone is how long the client stays; it leaves without a response. 0 for as
	// long as it takes.
	Gone time.Duration
}

// plain is a request that any driver can play: one that is waited for.
func (s Sent) plain() bool { return s.Name == "" && s.Times == 0 && s.Gone == 0 }

// words are what Sent asks for beyond a plain request.
func (s Sent) words() (words []string) {
	if s.Name != "" {
		words = append(words, "request "+s.Name)
	}
	if s.Times > 0 {
		words = append(words, "request times")
	}
	if s.Gone > 0 {
		words = append(words, "request gone")
	}
	return words
}

// TrafficInstance is an Instance that can have several requests under way.
type TrafficInstance interface {
	Instance
	// Begin sends a request, and returns when all has happened that needs no
	// time to pass. No other request of that name is under way.
	Begin(ctx context.Context, s Sent) error
	// Finish returns when the requests of these names are over, their log phases
	// included. A fake clock is moved as far as that needs.
	Finish(ctx context.Context, names []string) (Outcome, error)
}

// Outcome is what came of requests that were under way together. Besides the
// responses it has all that was seen since the last Outcome, or since the first
// of these requests began: what belongs to which of them is not known.
type Outcome struct {
	// Responses has those to each request by its name, in any order; none for
	// one whose client left.
	Responses map[string][]Response
	Ends      [][]string // of a connection, as in Result
	Backend   []Request
	Calls     map[string][]Request
	Log       []LogLine
}

func (r Result) outcome() Outcome {
	o := Outcome{Responses: map[string][]Response{"": {r.Response}}, Ends: r.Ends, Calls: r.Calls, Log: r.Log}
	if r.Backend != nil {
		o.Backend = []Request{*r.Backend}
	}
	return o
}

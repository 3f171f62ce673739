package host

import "time"

// Callout is an HTTP request to a cluster of the host, outside the exchange.
type Callout struct {
	Cluster   string
	Method    string
	Authority string
	Path      string
	Headers   []Header // without pseudo headers
	Body      []byte
	Timeout   time.Duration
}

// Failure says how a callout ended without an answer from the server. The zero
// value is a failure, so an Answer that nobody filled in is not a success.
type Failure uint8

const (
	FailureUnknown Failure = iota
	NoFailure
	// UnknownCluster: the host has no such cluster; refused at once.
	UnknownCluster
	// NoHost: no healthy endpoint, or the cluster's circuit breaker is open;
	// refused at once.
	NoHost
	// Unreachable: reset before any header.
	Unreachable
	// TimedOut: the host gave up waiting.
	TimedOut
	// ResetMidAnswer: headers came, the rest did not.
	ResetMidAnswer
	// NotHTTP: what came back is not HTTP.
	NotHTTP
	// NoConnection: no connection could be made, so nothing was sent.
	NoConnection
)

// Answer is how a callout ended. Status, Headers and Body mean something only
// with NoFailure.
type Answer struct {
	Failure Failure
	Status  int
	Headers []Header
	Body    []byte
	// BodySize is the full size of the body; Body may have been cut at the
	// limit that was asked for.
	BodySize int
}

// Header gives the first value of a header of the answer; name is lower case.
//
//go:noinline
func (a *Answer) Header(name string) (value string, ok bool) {
	for _, h := range a.Headers {
		if h.Name == name {
			return h.Value, true
		}
	}
	return "", false
}

// Dispatcher sends callouts: the host's port. When it returns NoFailure, land
// is called exactly once, later, with the answer, on the same thread; when it
// returns anything else, land is never called.
type Dispatcher func(c Callout, land func(now int64, a Answer)) Failure

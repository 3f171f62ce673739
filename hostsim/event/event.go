// Package event is what a stream or connection asks of the network around it: see hostsim.Stream.
package event

import (
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

// Kind says what a stream asks its surroundings to do.
type Kind int

// The kinds. Each direction has headers first, then data, then trailers; End is set on the last of them.
const (
	// ToUpstreamHeaders and on: forward to the backend. They can come even after the whole reply to the client, when a
	// guest both replied and continued: Envoy sends that request too.
	ToUpstreamHeaders Kind = iota + 1
	ToUpstreamData
	ToUpstreamTrailers
	// UpstreamReset: give up the request that was forwarded.
	UpstreamReset
	// ToClientHeaders and on: send to the client.
	ToClientHeaders
	ToClientData
	ToClientTrailers
	// ClientReset: close the client's stream without a (further) response.
	ClientReset
	// UpstreamConnect: connect to the backend. Only a Connection asks for it.
	UpstreamConnect
	// StreamEnd: the stream is over, log, done and delete have run. Reason has the response code details.
	StreamEnd
)

var eventNames = map[Kind]string{
	ToUpstreamHeaders: "to upstream: headers", ToUpstreamData: "to upstream: data", ToUpstreamTrailers: "to upstream: trailers",
	UpstreamReset: "upstream reset", UpstreamConnect: "connect upstream", ToClientHeaders: "to client: headers", ToClientData: "to client: data",
	ToClientTrailers: "to client: trailers", ClientReset: "client reset", StreamEnd: "end",
}

func (k Kind) String() string { return eventNames[k] }

// Event is one thing that a stream asks for.
type Event struct {
	Kind    Kind
	Headers abi.Headers // headers or trailers, pseudo headers included
	Data    []byte
	End     bool // nothing follows in this direction
	Reason  string
}

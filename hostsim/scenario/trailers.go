package scenario

import (
	"slices"
	"strings"
)

// trailerMark stands before the name of a trailer, among the header lines of a
// message in a file. Within this package trailers stay there: they are lines to
// compare and to write like all others.
const trailerMark = "+"

// splitTrailers takes the trailers out of the lines of a message to be sent.
func splitTrailers(lines []Header) (headers, trailers []Header) {
	for _, h := range lines {
		if name, ok := strings.CutPrefix(h.Name, trailerMark); ok {
			trailers = append(trailers, Header{Name: name, Value: h.Value})
		} else {
			headers = append(headers, h)
		}
	}
	return headers, trailers
}

// lines are all header lines of a response, trailers included.
func (r Response) lines() []Header { return slices.Concat(r.Headers, r.Trailers) }

// joined has the trailers of all messages among their header lines, and calls
// without gRPC's frames.
func (o Outcome) joined() Outcome {
	for _, list := range o.Responses {
		for i, r := range list {
			list[i].Headers = joinTrailers(r.Headers, r.Trailers)
		}
	}
	join := func(list []Request) {
		for i, r := range list {
			list[i].Headers = joinTrailers(r.Headers, r.Trailers)
		}
	}
	join(o.Backend)
	for _, calls := range o.Calls {
		join(calls)
		for i := range calls {
			calls[i] = calls[i].unframed()
		}
	}
	return o
}

func joinTrailers(headers, trailers []Header) []Header {
	out := headers[:len(headers):len(headers)]
	for _, t := range trailers {
		out = append(out, Header{Name: trailerMark + t.Name, Value: t.Value})
	}
	return out
}

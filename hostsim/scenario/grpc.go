package scenario

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/wire"
)

const (
	grpcPrefix  = "grpc:"
	grpcType    = "application/grpc"
	statusName  = "grpc-status"
	messageName = "grpc-message"
)

// grpcStatuses are the names of the statuses, by their numbers.
const grpcStatuses = "OK, CANCELLED, UNKNOWN, INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND, ALREADY_EXISTS, PERMISSION_DENIED, RESOURCE_EXHAUSTED, FAILED_PRECONDITION, ABORTED, OUT_OF_RANGE, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS, UNAUTHENTICATED"

// grpcStatus reads a status by its name or number.
func grpcStatus(word string) (number int, ok bool) {
	names := strings.Split(grpcStatuses, ", ")
	if number = slices.Index(names, word); number >= 0 {
		return number, true
	}
	number, err := strconv.Atoi(word)
	return number, err == nil && number >= 0 && number < len(names)
}

// grpcResponse is a response without its messages. Its status is a trailer,
// among the header lines.
func grpcResponse(status int, lines []Header) Response {
	return Response{Status: 200, Headers: slices.Concat([]Header{{"content-type", grpcType}}, lines,
		[]Header{{trailerMark + statusName, strconv.Itoa(status)}})}
}

// parseText reads what a cluster answers: over HTTP, or gRPC.
func (a *Answer) parseText(s passage, p *problems) {
	if !strings.HasPrefix(s.text, grpcPrefix) {
		a.Response = parseAnswerText(s, p)
		return
	}
	head, _ := s.split()
	word := strings.TrimSpace(strings.TrimPrefix(head[0], grpcPrefix))
	status, ok := grpcStatus(word)
	if !ok {
		p.addf(s.line, "%s is not a gRPC status: write a number from 0 to 16, or one of %s", quote(word), grpcStatuses)
	}
	a.GRPC, a.Messages = true, grpcMessages(s.text)
	a.Response = grpcResponse(status, grpcLines(head[1:], s.line+1, p))
}

// grpcLines are the header lines of an answer.
func grpcLines(head []string, first int, p *problems) []Header {
	for i, line := range head {
		name, _, _ := cutHeader(line)
		switch strings.TrimPrefix(strings.ToLower(name), trailerMark) {
		case "content-type":
			p.addf(first+i, "content-type is always %s: remove the line", grpcType)
		case statusName:
			p.addf(first+i, "the status is in the line %s STATUS: remove this one", grpcPrefix)
		}
	}
	lines := parseHeaders(head, first, p)
	for i, h := range lines {
		if strings.EqualFold(h.Name, messageName) {
			lines[i].Name = trailerMark + messageName
		}
	}
	return lines
}

// grpcMessages are those behind the first empty line; without one there is none.
func grpcMessages(text string) (messages [][]byte) {
	_, body, found := strings.Cut(text, "\n\n")
	if !found {
		return nil
	}
	var one []byte
	for line := range strings.Lines(body) {
		if strings.TrimSuffix(line, "\n") == callSeparator {
			messages = append(messages, bytes.TrimSuffix(one, []byte{'\n'}))
			one = nil
			continue
		}
		one = append(one, line...)
	}
	return append(messages, bytes.TrimSuffix(one, []byte{'\n'}))
}

// grpcOnWire is OnWire of a cluster that answers gRPC.
func (a Answer) grpcOnWire() Response {
	r, messages := a.Response, a.Messages
	switch {
	case a.Fault == FaultOversize:
		r, messages = grpcResponse(0, nil), [][]byte{bytes.Repeat([]byte{'x'}, a.Size)}
	case (a.Fault == FaultResetMidBody || a.Fault == FaultTimeoutMidBody) && r.Status == 0:
		r, messages = grpcResponse(0, nil), [][]byte{[]byte("cut")}
	}
	trailers := r.Trailers
	r.Headers, r.Trailers = splitTrailers(r.Headers)
	r.Trailers = append(r.Trailers, trailers...)
	for _, m := range messages {
		r.Body = wire.AppendFrame(r.Body, m)
	}
	return r
}

// unset is the answer until the file's first one; see DefaultClusterAnswer.
func (a Answer) unset() Answer {
	if !a.GRPC {
		return DefaultClusterAnswer()
	}
	const unknown = 2
	text := string(DefaultClusterAnswer().Response.Body)
	return Answer{GRPC: true, Response: grpcResponse(unknown, []Header{{trailerMark + messageName, text}})}
}

// checkGRPC has a cluster answer gRPC throughout the file: its server speaks
// HTTP/2, and the others HTTP/1.1.
func (r *reader) checkGRPC() {
	first := map[string]int{}
	for _, s := range r.file.steps {
		if c := s.cluster; c != nil && c.answer.GRPC && first[c.name] == 0 {
			first[c.name] = s.line
		}
	}
	for _, s := range r.file.steps {
		c := s.cluster
		if c == nil || first[c.name] == 0 || c.answer.GRPC {
			continue
		}
		if c.answer.Response.Status != 0 {
			r.addf(s.line, "cluster %s answers gRPC at line %d: write %s STATUS here too, or give it another name", c.name, first[c.name], grpcPrefix)
		}
		c.answer.GRPC = true
	}
}

func (x *expander) messages(in [][]byte) (out [][]byte) {
	for _, m := range in {
		out = append(out, []byte(x.Text(string(m))))
	}
	return out
}

// unframed is a request with its gRPC messages as a body, each on a line of its
// own. A body that is not made of whole messages stays as it is.
func (r Request) unframed() Request {
	if !strings.HasPrefix(HeaderValue(r.Headers, "content-type"), grpcType) {
		return r
	}
	messages, _ := wire.ParseFrames(r.Body)
	var whole []byte
	for _, m := range messages {
		whole = wire.AppendFrame(whole, m)
	}
	if bytes.Equal(whole, r.Body) {
		r.Body = bytes.Join(messages, []byte{'\n'})
	}
	return r
}

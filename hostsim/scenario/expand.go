package scenario

import "github.com/sallyport-gateway/sallyport/hostsim/scenario/internal/variables"

// Vars are the values that ${...} stands for.
type Vars = variables.Vars

// expander replaces ${...} in all that a file has.
type expander struct{ *variables.Expander }

func newExpander(v Vars) *expander { return &expander{variables.New(v)} }

// whole expands a text, and says whether that and all before went well.
func (x *expander) whole(text string) (string, error) {
	out := x.Text(text)
	return out, x.Err
}

func (x *expander) headers(in []Header, text func(string) string) []Header {
	out := make([]Header, len(in))
	for i, h := range in {
		out[i] = Header{Name: text(h.Name), Value: text(h.Value)}
	}
	return out
}

// request and response expand what is sent; wantRequest and wantResponse expand
// what is expected, where a leading ~ has a meaning.
func (x *expander) request(r Request) Request {
	out := Request{Method: r.Method, Target: x.Text(r.Target), Body: []byte(x.Text(string(r.Body))), Pieces: r.Pieces}
	out.Headers, out.Trailers = splitTrailers(x.headers(r.Headers, x.Text))
	return out
}

func (x *expander) wantRequest(r Request) Request {
	return Request{Method: r.Method, Target: x.Expected(r.Target),
		Headers: x.headers(r.Headers, x.Expected), Body: []byte(x.Expected(string(r.Body)))}
}

func (x *expander) response(r Response) Response {
	out := Response{Status: r.Status, Body: []byte(x.Text(string(r.Body)))}
	out.Headers, out.Trailers = splitTrailers(x.headers(r.Headers, x.Text))
	return out
}

func (x *expander) wantResponse(r Response) Response {
	return Response{Status: r.Status,
		Headers: x.headers(r.Headers, x.Expected), Body: []byte(x.Expected(string(r.Body)))}
}

func (x *expander) answer(a Answer) Answer {
	a.Response, a.Messages = x.response(a.Response), x.messages(a.Messages)
	return a
}

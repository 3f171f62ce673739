package scenario

import "github.com/sallyport-gateway/sallyport/hostsim/scenario/internal/variables"

// ParseAnswer reads the text of a cluster section on its own: a response, or a
// line "fault: WORD". The path is for messages. The error joins a *Problem for
// each fault.
func ParseAnswer(path string, text []byte, v Vars) (Answer, error) {
	p := &problems{path: path}
	a := parseAnswer(passage{line: 1, text: string(text)}, p)
	if err := p.err(); err != nil {
		return Answer{}, err
	}
	x := newExpander(v)
	x.Left = variables.MaxSingle
	a = x.answer(a)
	return a, x.Err
}

// ParseSent does the same with a request section.
func ParseSent(path string, text []byte, v Vars) (Sent, error) {
	p := &problems{path: path}
	sent := parseSent(passage{line: 1, text: string(text)}, p)
	if err := p.err(); err != nil {
		return Sent{}, err
	}
	x := newExpander(v)
	x.Left = variables.MaxSingle
	sent.Request = x.request(sent.Request)
	return sent, x.Err
}

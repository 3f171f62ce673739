package scenario

// maxSingle bounds what the ${...} of one message make, in bytes, where it is
// read by itself: an answer above all limits of a host fits.
const maxSingle = 64 << 20

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
	x.left = maxSingle
	a = x.answer(a)
	return a, x.err
}

// ParseSent does the same with a request section.
func ParseSent(path string, text []byte, v Vars) (Sent, error) {
	p := &problems{path: path}
	sent := parseSent(passage{line: 1, text: string(text)}, p)
	if err := p.err(); err != nil {
		return Sent{}, err
	}
	x := newExpander(v)
	x.left = maxSingle
	sent.Request = x.request(sent.Request)
	return sent, x.err
}

// Text is s with every ${...} replaced.
func (v Vars) Text(s string) (string, error) {
	x := newExpander(v)
	x.left = maxSingle
	s = x.text(s)
	return s, x.err
}

package scenario

// ParseAnswer reads the text of a cluster section on its own: a response, or a line "fault: WORD". The path is for
// messages; ${...} is replaced, with now as the clock. The error joins a *Problem for each fault.
func ParseAnswer(path string, text []byte, v Vars) (Answer, error) {
	p := &problems{path: path}
	answer := parseAnswer(passage{line: 1, text: string(text)}, p)
	if err := p.err(); err != nil {
		return Answer{}, err
	}
	x := newExpander(v)
	answer = x.answer(answer)
	return answer, x.err
}

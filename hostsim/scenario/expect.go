package scenario

import (
	"strconv"
	"strings"
)

// exchange is a request and what must come of it. What is nil must not happen,
// but for metrics and log, which are then not looked at.
type exchange struct {
	line    int      // of the request line, or of section wait
	index   int      // of that section in the archive
	asked   []*asked // one, unless section wait waits for several
	calls   map[string]*callsWant
	metrics *metricsWant
	log     *logWant
	// hostcalls may be any when it is nil.
	hostcalls *hostcallsWant
	actions   *actionsWant // any when it is nil
}

// asked is a request of the file, with the responses to it and what the backend
// reads of it.
type asked struct {
	Sent
	talk      *conversation // instead of all the others
	line      int
	responses []*responseWant
	backends  []*requestWant
}

// times is how many requests it is.
func (a *asked) times() int { return max(a.Times, 1) }

// single tells that there is one request with one response.
func (e *exchange) single() bool {
	return len(e.asked) == 1 && e.asked[0].times() == 1 && e.asked[0].Gone == 0
}

// last is the section behind which a new one belongs.
func (e *exchange) last() int {
	last := e.index
	for _, a := range e.asked {
		for _, w := range a.responses {
			last = max(last, w.index)
		}
	}
	return last
}

// responseWant is one response, or as many as count says.
type responseWant struct {
	line, index, count int
	message            Response
}

// requestWant is one request, or as many as count says.
type requestWant struct {
	line, index, count int
	message            Request
}

// callsWant is either a number or the requests themselves.
type callsWant struct {
	line, index int
	count       int
	requests    []requestWant // nil: only the number is compared
}

type metricsWant struct {
	line, index int
	deltas      []metricDelta
}

type metricDelta struct {
	name  string
	delta int64
}

// notLogged stands before a text that must occur in no line of the log.
const notLogged = "! "

// logWant has texts each of which must occur in some line of the log, or in none.
type logWant struct {
	line  int
	lines []string
}

// outcome reads a section that describes the open exchange.
func (r *reader) outcome(word, arg string, index int, s passage) {
	e := r.open
	if e == nil {
		r.addf(s.line-1, "section %s describes no request: write it after the request section, before anything else happens", word)
		return
	}
	second := false
	switch word {
	case "response", "backend":
		r.message(e, word, arg, index, s)
	case "calls":
		second = e.calls[arg] != nil
		e.calls[arg] = parseCalls(index, s, r.problems)
	case "metrics":
		second = e.metrics != nil
		e.metrics = parseMetrics(index, s, r.problems)
	case "actions":
		second = e.actions != nil
		e.actions = parseActions(index, s, r.problems)
	case "log":
		second = e.log != nil
		e.log = parseLog(s, r.problems)
	}
	if second {
		r.addf(s.line-1, "second section %s for the request of line %d: keep one", strings.TrimSpace(word+" "+arg), e.line)
	}
}

// callSeparator is the line between two requests of a calls section.
const callSeparator = "---"

// maxCalls bounds the number of a calls section.
const maxCalls = 1000

func parseCalls(index int, s passage, p *problems) *callsWant {
	w := &callsWant{line: s.line, index: index}
	text := strings.TrimSpace(s.text)
	if n, err := strconv.Atoi(text); err == nil {
		if n < 0 || n > maxCalls {
			p.addf(s.line, "number of calls %d is not between 0 and %d", n, maxCalls)
		}
		w.count = n
		return w
	}
	if text == "" {
		p.addf(s.line, "section calls is empty: write a number, or the requests with a line %s between them", callSeparator)
		return w
	}
	part := passage{line: s.line}
	add := func() {
		w.requests = append(w.requests, requestWant{line: part.line, message: parseRequest(part, p)})
	}
	line := s.line
	for l := range strings.Lines(s.text) {
		line++
		if strings.TrimSuffix(l, "\n") == callSeparator {
			add()
			part = passage{line: line}
			continue
		}
		part.text += l
	}
	add()
	w.count = len(w.requests)
	return w
}

func parseMetrics(index int, s passage, p *problems) *metricsWant {
	w := &metricsWant{line: s.line, index: index}
	seen := map[string]bool{}
	for i, line := range lines(s.text) {
		// A name may hold spaces, since tag values are part of it.
		at := strings.LastIndexByte(line, ' ')
		if at < 1 || at+1 == len(line) || line[at+1] != '+' && line[at+1] != '-' {
			p.addf(s.line+i, "metric line %s is not NAME +N", quote(line))
			continue
		}
		delta, err := strconv.ParseInt(line[at+1:], 10, 64)
		name := strings.TrimSpace(line[:at])
		if err != nil || name == "" {
			p.addf(s.line+i, "metric line %s is not NAME +N", quote(line))
			continue
		}
		if seen[name] {
			p.addf(s.line+i, "second line for metric %s: keep one", quote(name))
		}
		seen[name] = true
		w.deltas = append(w.deltas, metricDelta{name: name, delta: delta})
	}
	if len(w.deltas) == 0 {
		p.addf(s.line, "section metrics has no line: write NAME +N, or remove it")
	}
	return w
}

func parseLog(s passage, p *problems) *logWant {
	w := &logWant{line: s.line, lines: lines(s.text)}
	for i, line := range w.lines {
		if strings.TrimSpace(strings.TrimPrefix(line, notLogged)) == "" {
			p.addf(s.line+i, "empty line: every log line contains it, write some of its text")
		}
	}
	if len(w.lines) == 0 {
		p.addf(s.line, "section has no line: write text that the log must contain")
	}
	return w
}

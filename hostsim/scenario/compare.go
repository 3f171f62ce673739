package scenario

import (
	"bytes"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// delta shows an expectation beside what was seen: lines that agree are indented,
// "-" is expected and not seen, "+" is seen and not expected.
type delta struct {
	text    strings.Builder
	differs bool
}

func (d *delta) same(line string) { d.text.WriteString("  " + line + "\n") }

func (d *delta) missing(line string) {
	d.differs = true
	d.text.WriteString("- " + line + "\n")
}

func (d *delta) extra(line string) {
	d.differs = true
	d.text.WriteString("+ " + line + "\n")
}

// every marks all lines of a message.
func (d *delta) every(mark func(string), text string) {
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		mark(line)
	}
}

func (d *delta) line(want, got string, equal bool) {
	if equal {
		d.same(got)
		return
	}
	d.missing(want)
	d.extra(got)
}

func compareResponse(want, got Response) *delta {
	d := &delta{}
	d.line(strconv.Itoa(want.Status), strconv.Itoa(got.Status), want.Status == got.Status)
	compareHeaders(d, want.Headers, got.Headers)
	compareBody(d, want.Body, got.Body)
	return d
}

func compareRequest(want, got Request) *delta {
	d := &delta{}
	d.line(requestLine(want), requestLine(got), want.Method == got.Method && matches(want.Target, got.Target))
	compareHeaders(d, want.Headers, got.Headers)
	compareBody(d, want.Body, got.Body)
	return d
}

func requestLine(r Request) string { return r.Method + " " + r.Target + " " + httpVersion }

func (h Header) String() string { return h.Name + ": " + h.Value }

// compareHeaders compares two lists as multisets of lines. A line of want that
// begins with ~ stands for one whole line of got. Names are compared in lower case.
func compareHeaders(d *delta, want, got []Header) {
	got = withoutNoise(got, want)
	taken := make([]bool, len(got))
	take := func(match func(Header) bool) bool {
		for i, g := range got {
			if !taken[i] && match(g) {
				taken[i] = true
				d.same(g.String())
				return true
			}
		}
		return false
	}
	var rest []Header
	for _, w := range want {
		exact := func(g Header) bool { return strings.EqualFold(w.Name, g.Name) && w.Value == g.Value }
		if !take(exact) {
			rest = append(rest, w)
		}
	}
	// Regular expressions choose last, so that they leave exact lines alone.
	var unseen []Header
	for _, w := range rest {
		matching := func(g Header) bool { return strings.EqualFold(w.Name, g.Name) && matches(w.Value, g.Value) }
		if isLinePattern(w) {
			matching = func(g Header) bool { return matches(w.Name, g.String()) }
		}
		if !take(matching) {
			unseen = append(unseen, w)
		}
	}
	for _, w := range unseen {
		if isLinePattern(w) {
			d.missing(w.Name)
			continue
		}
		d.missing(w.String())
	}
	for i, g := range got {
		if !taken[i] {
			d.extra(g.String())
		}
	}
}

func isLinePattern(h Header) bool { return strings.HasPrefix(h.Name, pattern) }

// withoutNoise returns headers in lower case without noise, but for noise that
// the expectation names.
func withoutNoise(headers, want []Header) []Header {
	var out []Header
	for _, h := range headers {
		if !IsNoise(h.Name) || hasHeader(want, h.Name) {
			out = append(out, Header{Name: strings.ToLower(h.Name), Value: h.Value})
		}
	}
	return out
}

func compareBody(d *delta, want, got []byte) {
	if len(want) == 0 && len(got) == 0 {
		return
	}
	d.text.WriteByte('\n')
	if matches(string(want), string(got)) {
		for _, line := range bodyLines(got) {
			d.same(line)
		}
		return
	}
	wantLines, gotLines := bodyLines(want), bodyLines(got)
	if strings.Join(wantLines, "\n") == strings.Join(gotLines, "\n") {
		wantLines, gotLines = cutQuoted(want), cutQuoted(got)
	}
	for _, line := range wantLines {
		d.missing(line)
	}
	for _, line := range gotLines {
		d.extra(line)
	}
}

// maxShown bounds how much of a body a report shows, in bytes.
const maxShown = 2 << 10

// bodyLines is a body for reading: its lines when it is text, else quoted.
func bodyLines(body []byte) []string {
	if len(body) == 0 {
		return []string{"(no body)"}
	}
	if len(body) > maxShown || !utf8.Valid(body) || bytes.ContainsFunc(body, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' }) {
		return cutQuoted(body)
	}
	out := strings.Split(string(body), "\n")
	if out[len(out)-1] == "" {
		out[len(out)-1] = "(newline at the end)"
	}
	return out
}

func cutQuoted(body []byte) []string {
	if len(body) > maxShown {
		return []string{fmt.Sprintf("%q... (%d bytes)", body[:maxShown], len(body))}
	}
	return []string{strconv.Quote(string(body))}
}

// compareCalls compares what a cluster saw. A nil want stands for no call.
func compareCalls(want *callsWant, x *expander, got []Request) *delta {
	d := &delta{}
	if want == nil {
		want = &callsWant{}
	}
	if want.requests == nil {
		d.line(strconv.Itoa(want.count)+" calls", strconv.Itoa(len(got))+" calls", want.count == len(got))
		if d.differs {
			for _, g := range got {
				d.text.WriteString("+ " + callSeparator + "\n")
				extraRequest(d, g)
			}
		}
		return d
	}
	for i := range max(len(want.requests), len(got)) {
		if i > 0 {
			d.same(callSeparator)
		}
		switch {
		case i >= len(got):
			missingRequest(d, x.wantRequest(want.requests[i].message))
		case i >= len(want.requests):
			extraRequest(d, got[i])
		default:
			one := compareRequest(x.wantRequest(want.requests[i].message), got[i])
			d.text.WriteString(one.text.String())
			d.differs = d.differs || one.differs
		}
	}
	return d
}

func missingRequest(d *delta, r Request)   { d.every(d.missing, formatRequest(r)) }
func missingResponse(d *delta, r Response) { d.every(d.missing, formatResponse(r)) }

func extraRequest(d *delta, r Request) {
	r.Headers = withoutNoise(r.Headers, nil)
	d.every(d.extra, formatRequest(r))
}

func extraResponse(d *delta, r Response) {
	r.Headers = withoutNoise(r.Headers, nil)
	d.every(d.extra, formatResponse(r))
}

func compareMetrics(want *metricsWant, x *expander, before, after map[string]int64) *delta {
	d := &delta{}
	for _, m := range want.deltas {
		name := x.text(m.name)
		moved := after[name] - before[name]
		d.line(formatDelta(name, m.delta), formatDelta(name, moved), m.delta == moved)
	}
	if d.differs {
		// A misspelt name is the commonest cause: show what did move.
		var moved []string
		for name, value := range after {
			if value != before[name] {
				moved = append(moved, formatDelta(name, value-before[name]))
			}
		}
		sort.Strings(moved)
		d.text.WriteString("  (moved: " + strings.Join(moved, ", ") + ")\n")
	}
	return d
}

func formatDelta(name string, delta int64) string { return fmt.Sprintf("%s %+d", name, delta) }

// compareLog looks for each wanted text in the log, and for those that must not
// be there.
func compareLog(want *logWant, x *expander, got []LogLine) *delta {
	d := &delta{}
	for _, text := range want.lines {
		unwanted, not := strings.CutPrefix(text, notLogged)
		if not {
			text = unwanted
		}
		expanded := x.expected(text)
		shown := expanded
		if not {
			shown = notLogged + expanded
		}
		if logHas(got, expanded) == not {
			d.missing(shown)
			continue
		}
		d.same(shown)
	}
	if d.differs {
		for _, l := range got {
			d.text.WriteString("  (log " + l.Level + ": " + l.Message + ")\n")
		}
	}
	return d
}

func logHas(log []LogLine, text string) bool {
	for _, l := range log {
		if strings.HasPrefix(text, pattern) && matches(text, l.Message) ||
			!strings.HasPrefix(text, pattern) && strings.Contains(l.Message, text) {
			return true
		}
	}
	return false
}

package scenario

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario/internal/delta"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/internal/pattern"
)

func compareResponse(want, got Response) *delta.Delta {
	d := &delta.Delta{}
	d.Line(strconv.Itoa(want.Status), strconv.Itoa(got.Status), want.Status == got.Status)
	compareHeaders(d, want.Headers, got.Headers)
	compareBody(d, want.Body, got.Body)
	return d
}

func compareRequest(want, got Request) *delta.Delta {
	d := &delta.Delta{}
	d.Line(requestLine(want), requestLine(got), want.Method == got.Method && pattern.Matches(want.Target, got.Target))
	compareHeaders(d, want.Headers, got.Headers)
	compareBody(d, want.Body, got.Body)
	return d
}

func requestLine(r Request) string { return r.Method + " " + r.Target + " " + httpVersion }

func (h Header) String() string { return h.Name + ": " + h.Value }

// compareHeaders compares two lists as multisets of lines. A line of want that
// begins with ~ stands for one whole line of got. Names are compared in lower case.
func compareHeaders(d *delta.Delta, want, got []Header) {
	got = withoutNoise(got, want)
	taken := make([]bool, len(got))
	take := func(match func(Header) bool) bool {
		for i, g := range got {
			if !taken[i] && match(g) {
				taken[i] = true
				d.Same(g.String())
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
		matching := func(g Header) bool { return strings.EqualFold(w.Name, g.Name) && pattern.Matches(w.Value, g.Value) }
		if isLinePattern(w) {
			matching = func(g Header) bool { return pattern.Matches(w.Name, g.String()) }
		}
		if !take(matching) {
			unseen = append(unseen, w)
		}
	}
	for _, w := range unseen {
		if isLinePattern(w) {
			d.Missing(w.Name)
			continue
		}
		d.Missing(w.String())
	}
	for i, g := range got {
		if !taken[i] {
			d.Extra(g.String())
		}
	}
}

func isLinePattern(h Header) bool { return pattern.Is(h.Name) }

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

func compareBody(d *delta.Delta, want, got []byte) {
	if len(want) == 0 && len(got) == 0 {
		return
	}
	d.Text.WriteByte('\n')
	if pattern.Matches(string(want), string(got)) {
		for _, line := range delta.Lines(got) {
			d.Same(line)
		}
		return
	}
	wantLines, gotLines := delta.Lines(want), delta.Lines(got)
	if strings.Join(wantLines, "\n") == strings.Join(gotLines, "\n") {
		wantLines, gotLines = delta.Quoted(want), delta.Quoted(got)
	}
	for _, line := range wantLines {
		d.Missing(line)
	}
	for _, line := range gotLines {
		d.Extra(line)
	}
}

// compareCalls compares what a cluster saw. A nil want stands for no call.
func compareCalls(want *callsWant, x *expander, got []Request) *delta.Delta {
	d := &delta.Delta{}
	if want == nil {
		want = &callsWant{}
	}
	if want.requests == nil {
		d.Line(strconv.Itoa(want.count)+" calls", strconv.Itoa(len(got))+" calls", want.count == len(got))
		if d.Differs {
			for _, g := range got {
				d.Text.WriteString("+ " + callSeparator + "\n")
				extraRequest(d, g)
			}
		}
		return d
	}
	for i := range max(len(want.requests), len(got)) {
		if i > 0 {
			d.Same(callSeparator)
		}
		switch {
		case i >= len(got):
			missingRequest(d, x.wantRequest(want.requests[i].message))
		case i >= len(want.requests):
			extraRequest(d, got[i])
		default:
			one := compareRequest(x.wantRequest(want.requests[i].message), got[i])
			d.Text.WriteString(one.Text.String())
			d.Differs = d.Differs || one.Differs
		}
	}
	return d
}

func missingRequest(d *delta.Delta, r Request)   { d.Every(d.Missing, formatRequest(r)) }
func missingResponse(d *delta.Delta, r Response) { d.Every(d.Missing, formatResponse(r)) }

func extraRequest(d *delta.Delta, r Request) {
	r.Headers = withoutNoise(r.Headers, nil)
	d.Every(d.Extra, formatRequest(r))
}

func extraResponse(d *delta.Delta, r Response) {
	r.Headers = withoutNoise(r.Headers, nil)
	d.Every(d.Extra, formatResponse(r))
}

func compareMetrics(want *metricsWant, x *expander, before, after map[string]int64) *delta.Delta {
	d := &delta.Delta{}
	for _, m := range want.deltas {
		name := x.Text(m.name)
		moved := after[name] - before[name]
		d.Line(formatDelta(name, m.delta), formatDelta(name, moved), m.delta == moved)
	}
	if d.Differs {
		// A misspelt name is the commonest cause: show what did move.
		var moved []string
		for name, value := range after {
			if value != before[name] {
				moved = append(moved, formatDelta(name, value-before[name]))
			}
		}
		sort.Strings(moved)
		d.Text.WriteString("  (moved: " + strings.Join(moved, ", ") + ")\n")
	}
	return d
}

func formatDelta(name string, delta int64) string { return fmt.Sprintf("%s %+d", name, delta) }

// compareLog looks for each wanted text in the log, and for those that must not
// be there.
func compareLog(want *logWant, x *expander, got []LogLine) *delta.Delta {
	d := &delta.Delta{}
	for _, text := range want.lines {
		unwanted, not := strings.CutPrefix(text, notLogged)
		if not {
			text = unwanted
		}
		expanded := x.Expected(text)
		shown := expanded
		if not {
			shown = notLogged + expanded
		}
		if logHas(got, expanded) == not {
			d.Missing(shown)
			continue
		}
		d.Same(shown)
	}
	if d.Differs {
		for _, l := range got {
			d.Text.WriteString("  (log " + l.Level + ": " + l.Message + ")\n")
		}
	}
	return d
}

func logHas(log []LogLine, text string) bool {
	for _, l := range log {
		if pattern.Is(text) && pattern.Matches(text, l.Message) ||
			!pattern.Is(text) && strings.Contains(l.Message, text) {
			return true
		}
	}
	return false
}

package scenario

import (
	"fmt"
	"maps"
	"slices"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario/internal/delta"
)

func compareExchange(e *exchange, s seen, x *expander, began map[*asked]*expander) []finding {
	var findings []finding
	for _, a := range e.asked {
		switch {
		case a.talk != nil:
			findings = append(findings, compareConversation(e, s, x))
		case a.Gone == 0:
			findings = append(findings, compareResponses(e, a, s.Responses[a.Name], since(began, a, x)))
		}
	}
	findings = append(findings, compareBackend(e, s.Backend, x, began))
	names := slices.Sorted(maps.Keys(e.calls))
	for _, name := range slices.Sorted(maps.Keys(s.Calls)) {
		if e.calls[name] == nil {
			names = append(names, name)
		}
	}
	x = since(began, e.asked[0], x)
	slices.Sort(names)
	for _, name := range names {
		findings = append(findings, compareCluster(e, name, s, x))
	}
	if w := e.metrics; w != nil {
		findings = append(findings, finding{
			section: "metrics", line: w.line, index: w.index,
			delta: compareMetrics(w, x, s.before, s.after), seen: writeMetrics(w, x, s.before, s.after), rewritable: true,
		})
	}
	if w := e.log; w != nil {
		findings = append(findings, finding{section: "log", line: w.line, delta: compareLog(w, x, s.Log)})
	}
	if w := e.hostcalls; w != nil {
		findings = append(findings, hostcallsFinding(w, s.trace.Hostcalls))
	}
	if w := e.actions; w != nil {
		findings = append(findings, actionsFinding(w, s.trace.Actions))
	}
	return findings
}

// since has the variables of when the request began.
func since(began map[*asked]*expander, a *asked, now *expander) *expander {
	if x := began[a]; x != nil {
		return x
	}
	return now
}

func compareResponses(e *exchange, a *asked, got []Response, x *expander) finding {
	first := a.responses[0]
	one := finding{section: "response", line: first.line, index: first.index}
	if len(a.responses) == 1 && first.count == 1 && len(got) == 1 {
		one.delta = compareResponse(x.wantResponse(first.message), got[0])
		one.seen, one.rewritable = writeResponse(got[0], first.message.Headers), true
		return one
	}
	var want []Response
	for _, w := range a.responses {
		for range w.count {
			want = append(want, x.wantResponse(w.message))
		}
	}
	one.delta = compareMany(want, got, compareResponse, missingResponse, extraResponse)
	return one
}

func compareBackend(e *exchange, got []Request, x *expander, began map[*asked]*expander) finding {
	one := finding{section: "backend", line: e.line, index: -1, after: e.last(), delta: &delta.Delta{}}
	var want []Request
	var keep []Header
	for _, a := range e.asked {
		for _, w := range a.backends {
			for range w.count {
				want = append(want, since(began, a, x).wantRequest(w.message))
			}
			one.line, one.index, keep = w.line, w.index, w.message.Headers
		}
	}
	if len(got) > 1 || len(want) > 1 || !e.single() {
		one.delta = compareMany(want, got, compareRequest, missingRequest, extraRequest)
		return one
	}
	one.rewritable = true
	if len(got) == 1 {
		one.seen = writeRequest(got[0], keep)
	}
	switch {
	case len(want) == 1 && len(got) == 1:
		one.delta = compareRequest(want[0], got[0])
	case len(want) == 1:
		missingRequest(one.delta, want[0])
		one.delta.Extra("(the backend saw no request)")
	case len(got) == 1:
		one.delta.Missing("(the backend sees no request)")
		extraRequest(one.delta, got[0])
	}
	return one
}

func compareCluster(e *exchange, name string, s seen, x *expander) finding {
	want, got := e.calls[name], s.Calls[name]
	one := finding{
		section: "calls " + name, line: e.line, index: -1, after: e.last(),
		delta: compareCalls(want, x, got), seen: writeCalls(want, got), rewritable: true,
	}
	if want != nil {
		one.line, one.index = want.line, want.index
	}
	return one
}

// compareMany compares messages whose order says nothing. Each wanted one takes
// one of those seen, so that as many as possible have a partner; the others are
// shown side by side.
func compareMany[M any](want, got []M, compare func(want, got M) *delta.Delta, missing, extra func(*delta.Delta, M)) *delta.Delta {
	partner := delta.Partners(len(want), len(got), func(w, g int) bool { return !compare(want[w], got[g]).Differs })
	var unseen, unexpected []M
	taken := make([]bool, len(got))
	for w, g := range partner {
		if g < 0 {
			unseen = append(unseen, want[w])
			continue
		}
		taken[g] = true
	}
	for g, m := range got {
		if !taken[g] {
			unexpected = append(unexpected, m)
		}
	}
	d := &delta.Delta{}
	d.Same(fmt.Sprintf("(%d as expected)", len(want)-len(unseen)))
	for i := range max(len(unseen), len(unexpected)) {
		d.Same(callSeparator)
		switch {
		case i >= len(unexpected):
			missing(d, unseen[i])
		case i >= len(unseen):
			extra(d, unexpected[i])
		default:
			d.Text.WriteString(compare(unseen[i], unexpected[i]).Text.String())
			d.Differs = true
		}
	}
	return d
}

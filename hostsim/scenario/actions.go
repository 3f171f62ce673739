package scenario

import (
	"strings"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario/internal/delta"
)

// actionsWant are all actions that the guest returns to the host, in order.
type actionsWant struct {
	line, index int
	lines       []string
}

// Actions are the host's words for what a callback returns.
const (
	ActionContinue = "Continue"
	ActionPause    = "Pause"
)

func parseActions(index int, s passage, p *problems) *actionsWant {
	w := &actionsWant{line: s.line, index: index, lines: lines(s.text)}
	for i, line := range w.lines {
		name, action, _ := strings.Cut(line, " ")
		if !strings.HasPrefix(name, "proxy_on_") || action != ActionContinue && action != ActionPause {
			p.addf(s.line+i, "line %s is not a callback and what it returns, such as proxy_on_request_headers %s or %s", quote(line), ActionContinue, ActionPause)
		}
	}
	if len(w.lines) == 0 {
		p.addf(s.line, "section actions has no line: write each callback and what it returns, or remove it")
	}
	return w
}

func actionsFinding(w *actionsWant, got []string) finding {
	d := &delta.Delta{}
	rest := got
	for _, want := range w.lines {
		if len(rest) == 0 {
			d.Missing(want)
			continue
		}
		d.Line(want, rest[0], want == rest[0])
		rest = rest[1:]
	}
	for _, more := range rest {
		d.Extra(more)
	}
	return finding{section: "actions", line: w.line, index: w.index, delta: d, seen: strings.Join(got, "\n") + "\n", rewritable: true}
}

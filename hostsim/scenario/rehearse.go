package scenario

import (
	"slices"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario/internal/pattern"
	"golang.org/x/net/http/httpguts"
)

// checkWhole holds the rules that need more than one section.
func (r *reader) checkWhole() {
	f := r.file
	c := f.setup.config
	given := 0
	for _, text := range [][]byte{c.Raw, c.Whole, c.Patch} {
		if text != nil {
			given++
		}
	}
	if given > 1 {
		r.addf(1, "%d of config.yaml, config.json and config.patch.yaml: keep one", given)
	}
	if c.Patch != nil && c.Base == nil {
		r.addf(r.once["config.patch.yaml"], "config.patch.yaml has no %s beside the file: write one, or use config.yaml", BaseConfig)
	}
	r.checkNetwork()
	happens, exchanges := false, false
	for _, s := range f.steps {
		happens = happens || s.exchange != nil || s.begin != nil || s.advance != 0
		exchanges = exchanges || s.exchange != nil
	}
	if f.configError != nil && happens {
		r.addf(r.once["config_error"], "config_error with a request or advance: a guest that refused its configuration gets none, remove one")
	}
	if f.configError == nil && !exchanges {
		r.addf(1, "no request and no config_error: nothing is checked")
	}
	r.checkGRPC()
}

// rehearsalTime stands for the driver's clock when the file is checked.
var rehearsalTime = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// rehearse expands everything once, with the file's own names and a fixed time,
// so that a bad ${...}, header or regular expression is a problem of the file and
// not of a run. It also finds the clusters that only ${cluster.NAME} mentions.
func (r *reader) rehearse() {
	f := r.file
	x := newExpander(Vars{Now: rehearsalTime})
	r.rehearseSetup(x)
	for _, s := range f.steps {
		switch {
		case s.cluster != nil:
			r.sent(x, s.line, x.answer(s.cluster.answer).Response.lines())
		case s.upstream != nil:
			r.sent(x, s.line, x.answer(*s.upstream).Response.lines())
		case s.hostcall != nil:
			if err := pattern.Check(x.hostcall(*s.hostcall).With); err != nil {
				r.addf(s.line, "%v", err)
			}
			r.drain(x, s.line)
		case s.begin != nil:
			r.rehearseRequest(x, s.begin)
		case s.exchange != nil:
			if only := s.exchange.asked[0]; only.Name == "" {
				r.rehearseRequest(x, only)
			}
			r.rehearseOutcome(x, s.exchange)
		}
	}
	f.setup.byVariable = x.Clusters
	for name := range x.Clusters {
		f.setup.Clusters[name] = DefaultClusterAnswer()
	}
}

func (r *reader) rehearseSetup(x *expander) {
	line := 1
	for _, name := range []string{"config.yaml", "config.patch.yaml", "config.json"} {
		if at, ok := r.once[name]; ok {
			line = at
		}
	}
	if _, err := r.file.setup.config.Render(x.whole); err != nil {
		r.addf(line, "%v", err)
		x.Err = nil
	}
	for _, value := range r.file.setup.Env {
		x.Text(value)
	}
	r.drain(x, r.once["env"])
	x.settings(r.file.setup.Settings)
	r.drain(x, r.once["settings"])
	r.rehearseProperties(x)
	r.rehearsePlugins(x)
}

// sent checks header lines that a driver will send.
func (r *reader) sent(x *expander, line int, headers []Header) {
	r.drain(x, line)
	for _, h := range headers {
		switch {
		case !httpguts.ValidHeaderFieldName(h.Name) || pattern.Is(h.Name):
			r.addf(line, "header name %s cannot be sent", quote(h.Name))
		case !httpguts.ValidHeaderFieldValue(h.Value):
			r.addf(line, "value of header %s has a control character", h.Name)
		}
	}
}

func (r *reader) rehearseRequest(x *expander, a *asked) {
	sent := x.request(a.Request)
	r.sent(x, a.line, slices.Concat(sent.Headers, sent.Trailers))
}

func (r *reader) rehearseOutcome(x *expander, e *exchange) {
	check := func(line int, texts ...string) {
		r.drain(x, line)
		for _, t := range texts {
			if err := pattern.Check(t); err != nil {
				r.addf(line, "%v", err)
			}
		}
	}
	request := func(line int, m Request) {
		check(line, append(headerTexts(m.Headers), m.Target, string(m.Body))...)
	}
	for _, a := range e.asked {
		if a.talk != nil {
			r.rehearseConversation(x, a)
		}
		for _, w := range a.responses {
			m := x.wantResponse(w.message)
			check(w.line, append(headerTexts(m.Headers), string(m.Body))...)
		}
		for _, w := range a.backends {
			request(w.line, x.wantRequest(w.message))
		}
	}
	for name, w := range e.calls {
		r.file.setup.Clusters[name] = DefaultClusterAnswer()
		for _, c := range w.requests {
			request(c.line, x.wantRequest(c.message))
		}
	}
	if w := e.metrics; w != nil {
		for _, m := range w.deltas {
			x.Text(m.name)
		}
		r.drain(x, w.line)
	}
	if w := e.log; w != nil {
		for i, text := range w.lines {
			check(w.line+i, x.Expected(text))
		}
	}
}

func headerTexts(headers []Header) []string {
	var out []string
	for _, h := range headers {
		out = append(out, h.Name, h.Value)
	}
	return out
}

// drain turns the expander's error into a problem of a line.
func (r *reader) drain(x *expander, line int) {
	if x.Err != nil {
		r.addf(line, "%v", x.Err)
		x.Err = nil
	}
}

// settle gives the setup the answer of every cluster that the file names: the
// last one before anything happens, else the default until the file's first one.
// A static fault holds from the start, wherever it is written.
func (f *File) settle() {
	clusters := f.setup.Clusters
	for _, s := range f.steps {
		if s.cluster != nil {
			clusters[s.cluster.name] = s.cluster.answer.unset()
		}
	}
	for len(f.steps) > 0 {
		s := f.steps[0]
		if s.cluster != nil {
			clusters[s.cluster.name] = s.cluster.answer
		} else if s.upstream != nil {
			f.setup.Upstream = *s.upstream
		} else if s.hostcall != nil {
			f.setup.Hostcalls = append(f.setup.Hostcalls, *s.hostcall)
		} else {
			break
		}
		f.steps = f.steps[1:]
	}
	for i, s := range f.steps {
		if s.cluster != nil && s.cluster.answer.Fault.Static() {
			clusters[s.cluster.name] = s.cluster.answer
			f.steps[i].cluster = nil
		}
	}
}

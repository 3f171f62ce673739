package scenario

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
)

// Report is what came of one scenario on one driver.
type Report struct {
	Scenario, Driver string
	Differences      []Difference
}

// Difference is one section that does not say what was seen, or one thing that
// was seen and has no section.
type Difference struct {
	Path    string
	Line    int    // of the section's first line, or of the request's when it has no section
	Section string // as in the file: "response", "calls okta"
	// Text has a line each: "  " agrees, "- " expected and not seen, "+ " seen
	// and not expected.
	Text string
}

// OK reports whether everything was seen as expected.
func (r Report) OK() bool { return len(r.Differences) == 0 }

// String is the report for a person; "" when there is no difference.
func (r Report) String() string {
	var b strings.Builder
	for _, d := range r.Differences {
		fmt.Fprintf(&b, "%s:%d: %s on %s (- expected, + seen)\n", d.Path, d.Line, d.Section, r.Driver)
		for line := range strings.Lines(d.Text) {
			b.WriteString("\t" + line)
		}
	}
	return b.String()
}

// Run plays a scenario on a driver and compares. The error is a technical
// failure of the driver; what the guest did wrong is in the report.
func Run(ctx context.Context, f *File, d Driver) (Report, error) {
	findings, err := play(ctx, f, d)
	report := Report{Scenario: f.Name, Driver: d.Name()}
	for _, one := range findings {
		if one.delta.differs {
			report.Differences = append(report.Differences, Difference{
				Path: f.Path, Line: one.line, Section: one.section, Text: one.delta.text.String()})
		}
	}
	return report, err
}

// finding is the comparison of one section with what was seen.
type finding struct {
	section string
	line    int
	delta   *delta
	index   int // of the section in the archive; -1 when it has none
	after   int // the section behind which a new one belongs
	// seen is the section's text as it would have to be: "" to have no section.
	// It counts only with rewritable.
	seen       string
	rewritable bool
}

// play runs all steps. It goes on after a difference, and stops at an error.
func play(ctx context.Context, f *File, d Driver) ([]finding, error) {
	setup := f.setup
	setup.Metrics = slices.ContainsFunc(f.steps, func(s step) bool { return s.exchange != nil && s.exchange.metrics != nil })
	setup.WatchHostcalls = f.watched()
	for _, s := range f.steps {
		if s.hostcall != nil {
			setup.later = append(setup.later, "hostcall "+s.hostcall.Name)
		}
	}
	if err := sayable(d, setup); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Path, err)
	}
	inst, err := d.Start(ctx, setup)
	var refused *ConfigError
	switch {
	case errors.As(err, &refused):
		return []finding{compareRefusal(f, refused)}, nil
	case err != nil:
		return nil, fmt.Errorf("%s: start %s: %w", f.Path, d.Name(), err)
	}
	findings, err := playWatched(ctx, f, setup, inst)
	if closeErr := inst.Close(); closeErr != nil {
		err = errors.Join(err, fmt.Errorf("%s: close %s: %w", f.Path, d.Name(), closeErr))
	}
	return findings, err
}

func playWatched(ctx context.Context, f *File, s Setup, inst Instance) ([]finding, error) {
	watch, err := watchHostcalls(s, inst)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Path, err)
	}
	findings, err := playOn(ctx, f, inst, watch)
	return append(findings, watch.whole(f)...), err
}

func playOn(ctx context.Context, f *File, inst Instance, watch *hostcallWatch) ([]finding, error) {
	if f.configError != nil {
		taken := &delta{}
		for _, text := range f.configError.lines {
			taken.missing(text)
		}
		taken.extra("(the guest took the configuration)")
		return []finding{{section: "config_error", line: f.configError.line, delta: taken}}, nil
	}
	var findings []finding
	for _, s := range f.steps {
		x := newExpander(Vars{Now: inst.Now(), ClusterName: inst.ClusterName})
		switch {
		case s.cluster != nil:
			inst.SetCluster(s.cluster.name, x.answer(s.cluster.answer))
		case s.upstream != nil:
			inst.SetUpstream(x.answer(*s.upstream))
		case s.advance != 0:
			inst.Advance(s.advance)
		case s.hostcall != nil:
			if err := setHostcall(inst, x.hostcall(*s.hostcall)); err != nil {
				return findings, fmt.Errorf("%s:%d: %w", f.Path, s.line, err)
			}
		case s.exchange != nil:
			more, err := playExchange(ctx, s.exchange, inst, x, watch)
			findings = append(findings, more...)
			if err != nil {
				return findings, fmt.Errorf("%s:%d: %w", f.Path, s.line, err)
			}
		}
		if x.err != nil {
			return findings, fmt.Errorf("%s:%d: %w", f.Path, s.line, x.err)
		}
	}
	return findings, nil
}

func compareRefusal(f *File, refused *ConfigError) finding {
	if f.configError == nil {
		d := &delta{}
		d.missing("(the guest takes the configuration)")
		for _, l := range refused.Log {
			d.extra("(log " + l.Level + ": " + l.Message + ")")
		}
		return finding{section: "configuration", line: 1, delta: d}
	}
	d := compareLog(f.configError, newExpander(Vars{Now: rehearsalTime}), refused.Log)
	return finding{section: "config_error", line: f.configError.line, delta: d}
}

// seen is everything that a driver showed of one exchange.
type seen struct {
	Result
	before, after map[string]int64
	hostcalls     []string
}

func playExchange(ctx context.Context, e *exchange, inst Instance, x *expander, watch *hostcallWatch) ([]finding, error) {
	var s seen
	var err error
	if e.metrics != nil {
		before, err := inst.Metrics(ctx)
		if err != nil {
			return nil, fmt.Errorf("read metrics before the request: %w", err)
		}
		s.before = maps.Clone(before) // a driver may hand out its live map
	}
	watch.take()
	if s.Result, err = e.play(ctx, inst, x); err != nil {
		return nil, fmt.Errorf("do request: %w", err)
	}
	s.hostcalls = watch.take()
	s.Result = s.joined()
	if e.metrics != nil {
		if s.after, err = inst.Metrics(ctx); err != nil {
			return nil, fmt.Errorf("read metrics after the request: %w", err)
		}
	}
	return compareExchange(e, s, x), nil
}

func compareExchange(e *exchange, s seen, x *expander) []finding {
	findings := compareEnds(e, s, x)
	names := make([]string, 0, len(e.calls)+len(s.Calls))
	for name := range e.calls {
		names = append(names, name)
	}
	for name := range s.Calls {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range slices.Compact(names) {
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
		findings = append(findings, hostcallsFinding(w, s.hostcalls))
	}
	return findings
}

// compareEnds is what came to the two ends of the guest's chain.
func compareEnds(e *exchange, s seen, x *expander) []finding {
	if e.talk != nil {
		return []finding{compareConversation(e, s, x)}
	}
	return []finding{{
		section: "response", line: e.response.line, index: e.response.index,
		delta: compareResponse(x.wantResponse(e.response.message), s.Response),
		seen:  writeResponse(s.Response, e.response.message.Headers), rewritable: true,
	}, compareBackend(e, s, x)}
}

func compareBackend(e *exchange, s seen, x *expander) finding {
	one := finding{section: "backend", line: e.line, index: -1, after: e.response.index, delta: &delta{}, rewritable: true}
	if e.backend != nil {
		one.line, one.index = e.backend.line, e.backend.index
	}
	if s.Backend != nil {
		var keep []Header
		if e.backend != nil {
			keep = e.backend.message.Headers
		}
		one.seen = writeRequest(*s.Backend, keep)
	}
	switch {
	case e.backend != nil && s.Backend != nil:
		one.delta = compareRequest(x.wantRequest(e.backend.message), *s.Backend)
	case e.backend != nil:
		missingRequest(one.delta, x.wantRequest(e.backend.message))
		one.delta.extra("(the backend saw no request)")
	case s.Backend != nil:
		one.delta.missing("(the backend sees no request)")
		extraRequest(one.delta, *s.Backend)
	}
	return one
}

// lastIndex is of the section behind which further results belong.
func (e *exchange) lastIndex() int {
	if e.response == nil {
		return e.index
	}
	return e.response.index
}

func compareCluster(e *exchange, name string, s seen, x *expander) finding {
	want, got := e.calls[name], s.Calls[name]
	one := finding{
		section: "calls " + name, line: e.line, index: -1, after: e.lastIndex(),
		delta: compareCalls(want, x, got), seen: writeCalls(want, got), rewritable: true,
	}
	if want != nil {
		one.line, one.index = want.line, want.index
	}
	return one
}

package scenario

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario/internal/delta"
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
		if one.delta.Differs {
			report.Differences = append(report.Differences, Difference{
				Path: f.Path, Line: one.line, Section: one.section, Text: one.delta.Text.String()})
		}
	}
	return report, err
}

// finding is the comparison of one section with what was seen.
type finding struct {
	section string
	line    int
	delta   *delta.Delta
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
	setup.Metrics = f.expectsMetrics()
	setup.WatchHostcalls = f.watched()
	for _, s := range f.steps {
		switch {
		case s.hostcall != nil:
			setup.later = append(setup.later, "hostcall "+s.hostcall.Name)
		case s.upstream != nil && s.upstream.Fault != "":
			setup.later = append(setup.later, "upstream fault")
		case s.begin != nil:
			setup.later = append(setup.later, s.begin.words()...)
		case s.exchange != nil && s.exchange.asked[0].Name == "":
			setup.later = append(setup.later, s.exchange.asked[0].words()...)
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
		taken := &delta.Delta{}
		for _, text := range f.configError.lines {
			taken.Missing(text)
		}
		taken.Extra("(the guest took the configuration)")
		return []finding{{section: "config_error", line: f.configError.line, delta: taken}}, nil
	}
	p := player{inst: inst, watch: watch, metrics: f.expectsMetrics(), underWay: map[*asked]*expander{}}
	var findings []finding
	for _, s := range f.steps {
		x := newExpander(Vars{Now: inst.Now(), ClusterName: inst.ClusterName})
		more, err := p.step(ctx, s, x)
		findings = append(findings, more...)
		if err = errors.Join(err, x.Err); err != nil {
			return findings, fmt.Errorf("%s:%d: %w", f.Path, s.line, err)
		}
	}
	return findings, nil
}

func compareRefusal(f *File, refused *ConfigError) finding {
	if f.configError == nil {
		d := &delta.Delta{}
		d.Missing("(the guest takes the configuration)")
		for _, l := range refused.Log {
			d.Extra("(log " + l.Level + ": " + l.Message + ")")
		}
		return finding{section: "configuration", line: 1, delta: d}
	}
	d := compareLog(f.configError, newExpander(Vars{Now: rehearsalTime}), refused.Log)
	return finding{section: "config_error", line: f.configError.line, delta: d}
}

package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/cmd/hostsim/internal/junit"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// grace is how long after its timeout a driver may take to say so, before the guest counts as one that never returns.
const grace = 2 * time.Second

// session plays scenarios on one driver.
type session struct {
	driver   scenario.Driver
	timeout  time.Duration
	progress io.Writer // nil: print nothing
	results  []result
	stuck    bool
	took     time.Duration
}

// result of one scenario.
type result struct {
	file    *scenario.File
	outcome junit.Outcome
	message string // one line
	report  string
	took    time.Duration
}

var outcomeWords = map[junit.Outcome]string{junit.Passed: "pass", junit.Failed: "FAIL", junit.Broken: "ERROR", junit.Skipped: "skip"}

func (s *session) play(ctx context.Context, files []*scenario.File) {
	began := time.Now()
	for _, f := range files {
		r := result{file: f, outcome: junit.Skipped}
		var skipped bool
		switch r.message, skipped = f.Skip(s.driver.Name()); {
		case skipped:
		case s.stuck:
			r.message = "not played: the guest has not returned from the previous scenario"
		case ctx.Err() != nil:
			r.outcome, r.message = junit.Broken, "not played: interrupted"
		default:
			r = s.playOne(ctx, f)
		}
		s.results = append(s.results, r)
		s.tell(r)
	}
	s.took = time.Since(began)
	s.tellEnd()
}

func (s *session) playOne(ctx context.Context, f *scenario.File) result {
	began := time.Now()
	report, err := guarded(ctx, s.timeout, func(ctx context.Context) (scenario.Report, error) { return scenario.Run(ctx, f, s.driver) })
	r := result{file: f, took: time.Since(began), report: report.String()}
	s.stuck = errors.Is(err, errStuck)
	reason, skipped := scenario.Skipped(err)
	switch {
	case skipped:
		r.outcome, r.message = junit.Skipped, reason
	case err != nil:
		r.outcome, r.message = junit.Broken, firstLine(err.Error())
		r.report += err.Error() + "\n"
	case !report.OK():
		d := report.Differences[0]
		r.outcome, r.message = junit.Failed, fmt.Sprintf("%s:%d: %s is not as expected", d.Path, d.Line, d.Section)
	}
	return r
}

var errStuck = errors.New("the guest does not return: it loops, or waits for something that never comes")

// guarded runs f within a timeout. A guest cannot be interrupted from outside, so f may go on behind errStuck.
func guarded[T any](ctx context.Context, timeout time.Duration, f func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	type answer struct {
		value T
		err   error
	}
	done := make(chan answer, 1)
	go func() {
		v, err := f(ctx)
		done <- answer{v, err}
	}()
	select {
	case a := <-done:
		return a.value, a.err
	case <-ctx.Done():
	}
	select {
	case a := <-done:
		return a.value, a.err
	case <-time.After(grace):
		var none T
		return none, errStuck
	}
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

func (s *session) tell(r result) {
	if s.progress == nil {
		return
	}
	line := fmt.Sprintf("%-5s %s", outcomeWords[r.outcome], r.file.Name)
	if r.outcome == junit.Skipped {
		line += ": " + r.message
	} else {
		line += fmt.Sprintf(" (%v)", r.took.Round(time.Millisecond))
	}
	fmt.Fprintln(s.progress, line)
	if r.outcome == junit.Failed || r.outcome == junit.Broken {
		text := printableLines(orNone(r.report, r.message))
		fmt.Fprintf(s.progress, "      %s\n%s\n", r.file.Doc, text)
	}
}

// printableLines is printable for text of several lines.
func printableLines(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		line = strings.TrimSuffix(line, "\n")
		tab := ""
		if rest, ok := strings.CutPrefix(line, "\t"); ok {
			tab, line = "\t", rest
		}
		b.WriteString("      " + tab + printable(line) + "\n")
	}
	return b.String()
}

func (s *session) tellEnd() {
	if s.progress == nil {
		return
	}
	n := s.counts()
	fmt.Fprintf(s.progress, "\n%s on %s: %d passed, %d failed, %d skipped, in %v\n", plural(len(s.results), "scenario"),
		s.driver.Name(), n[junit.Passed], n[junit.Failed]+n[junit.Broken], n[junit.Skipped], s.took.Round(time.Millisecond))
}

func (s *session) counts() map[junit.Outcome]int {
	n := map[junit.Outcome]int{}
	for _, r := range s.results {
		n[r.outcome]++
	}
	return n
}

func (s *session) ok() bool {
	n := s.counts()
	return n[junit.Failed]+n[junit.Broken] == 0 && !s.stuck
}

func (s *session) cases() []junit.Case {
	var out []junit.Case
	for _, r := range s.results {
		out = append(out, junit.Case{Name: r.file.Name, File: r.file.Path, Took: r.took, Outcome: r.outcome, Message: r.message, Text: r.report})
	}
	return out
}

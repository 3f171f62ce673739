package envoyrun

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
)

// maxLogLines bounds what is remembered of one stream; older lines are forgotten.
const maxLogLines = 200_000

// Line is one line of Envoy's output. Level and Logger are empty for a line that is not in Envoy's log format.
type Line struct {
	Level  string // trace, debug, info, warning, error, critical
	Logger string // Envoy's component: main, config, wasm, ...
	Text   string
}

func (l Line) String() string {
	if l.Level == "" {
		return l.Text
	}
	return "[" + l.Level + "][" + l.Logger + "] " + l.Text
}

// Log remembers lines. Its numbers only rise, so that Len before an act and Since after it give what the act wrote.
type Log struct {
	mu     sync.Mutex
	lines  []Line
	lost   int           // lines forgotten
	grew   chan struct{} // closed and replaced at every line
	closed bool
}

func newLog() *Log { return &Log{grew: make(chan struct{})} }

func (l *Log) add(line Line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) >= maxLogLines {
		half := len(l.lines) / 2
		l.lines = append([]Line(nil), l.lines[half:]...)
		l.lost += half
	}
	l.lines = append(l.lines, line)
	close(l.grew)
	l.grew = make(chan struct{})
}

func (l *Log) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	close(l.grew)
	l.grew = make(chan struct{})
}

// Len is the number of lines so far.
func (l *Log) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost + len(l.lines)
}

// Since answers the lines from number n on, as far as they are still remembered.
func (l *Log) Since(n int) []Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Line(nil), l.lines[min(max(n-l.lost, 0), len(l.lines)):]...)
}

// Wait answers the first line from number n on that match likes, waiting for it if need be.
func (l *Log) Wait(ctx context.Context, n int, match func(Line) bool) (Line, error) {
	for {
		l.mu.Lock()
		grew, closed := l.grew, l.closed
		l.mu.Unlock()
		for _, line := range l.Since(n) {
			if match(line) {
				return line, nil
			}
		}
		if closed {
			return Line{}, fmt.Errorf("wait for a log line: envoy ended without it")
		}
		select {
		case <-grew:
		case <-ctx.Done():
			return Line{}, fmt.Errorf("wait for a log line: %w", ctx.Err())
		}
	}
}

// parseLine reads a line in logFormat.
func parseLine(s string) Line {
	fields := strings.SplitN(s, "]", 4) // [time][level][logger] text
	if len(fields) != 4 || !strings.HasPrefix(s, "[") || !strings.HasPrefix(fields[1], "[") || !strings.HasPrefix(fields[2], "[") {
		return Line{Text: s}
	}
	return Line{Level: fields[1][1:], Logger: fields[2][1:], Text: unescape(strings.TrimPrefix(fields[3], " "))}
}

// lineWriter cuts what is written to it into lines. A last line without an end is dropped.
type lineWriter struct {
	partial []byte
	emit    func(string)
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.partial = append(w.partial, p...)
	for {
		line, rest, found := bytes.Cut(w.partial, []byte("\n"))
		if !found {
			return len(p), nil
		}
		w.emit(strings.TrimSuffix(string(line), "\r"))
		w.partial = append(w.partial[:0], rest...)
	}
}

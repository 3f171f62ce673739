package envoyrun

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
)

// maxLogLines bounds how many lines of one stream are remembered; older lines are forgotten.
const maxLogLines = 200_000

// Line is one line of Envoy's output. Level and Logger are empty for a line that is not in Envoy's log format.
type Line struct {
	Level  string // trace, debug, info, warning, error, critical
	Logger string // Envoy's component: main, config, wasm, ...
	Text   string
	Thread string // number of the thread that wrote it: Process.PID for the main thread
}

func (l Line) String() string {
	if l.Level == "" {
		return l.Text
	}
	return "[" + l.Level + "][" + l.Logger + "] " + l.Text
}

// maxWarnings bounds what Warnings repeats.
const maxWarnings = 15

// Warnings are the last lines of warnings and worse, for an error's text: each on a line of its own, with a newline
// before it.
func Warnings(lines []Line) string {
	var bad []string
	for _, l := range lines {
		switch l.Level {
		case "trace", "debug", "info":
		default:
			bad = append(bad, "\n\t"+l.String())
		}
	}
	return strings.Join(bad[max(len(bad)-maxWarnings, 0):], "")
}

// Log remembers lines. Line numbers only rise, so Len before an action and Since after it give what the action wrote.
type Log struct {
	parse  func(string) Line
	mu     sync.Mutex
	lines  []Line
	lost   int           // lines forgotten
	grew   chan struct{} // closed and replaced at every change
	closed bool
	pipe   *os.File // the end that Envoy writes to as well; nil without a process
	synced int      // the last mark of Sync that came through
	marks  int
}

func newLog(parse func(string) Line) *Log { return &Log{parse: parse, grew: make(chan struct{})} }

// syncMark starts the lines that Sync writes; Envoy writes no such byte.
const syncMark = "\x00sync "

// attach makes a pipe for a process to write to, and remembers what comes through until end is called.
func (l *Log) attach() (write *os.File, end func(), err error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("make a pipe for envoy's output: %w", err)
	}
	l.pipe = write
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		_, _ = io.Copy(&lineWriter{emit: l.take}, read) // ends with the last writer
		_ = read.Close()
	}()
	return write, func() {
		_ = write.Close()
		<-finished
		l.close()
	}, nil
}

func (l *Log) take(s string) {
	mark, ok := strings.CutPrefix(s, syncMark)
	if n, err := strconv.Atoi(mark); ok && err == nil {
		l.change(func() { l.synced = n })
		return
	}
	l.add(l.parse(s))
}

// Sync returns when everything that Envoy has written so far is in the log. The pipe keeps the order of what is
// written to it, so once a line of our own has come through, so has everything before it.
func (l *Log) Sync(ctx context.Context) error {
	l.mu.Lock()
	l.marks++
	mark := l.marks
	l.mu.Unlock()
	if _, err := fmt.Fprintf(l.pipe, "%s%d\n", syncMark, mark); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("sync the log: %w", err)
	}
	return l.until(ctx, func() bool { return l.synced >= mark || l.closed })
}

// until waits for a condition, which is evaluated under the lock.
func (l *Log) until(ctx context.Context, condition func() bool) error {
	for {
		l.mu.Lock()
		grew, ok := l.grew, condition()
		l.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-grew:
		case <-ctx.Done():
			return fmt.Errorf("wait for the log: %w", ctx.Err())
		}
	}
}

// change calls f under the lock and wakes the waiters.
func (l *Log) change(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
	close(l.grew)
	l.grew = make(chan struct{})
}

func (l *Log) add(line Line) {
	l.change(func() {
		if len(l.lines) >= maxLogLines {
			half := len(l.lines) / 2
			l.lines = append([]Line(nil), l.lines[half:]...)
			l.lost += half
		}
		l.lines = append(l.lines, line)
	})
}

func (l *Log) close() { l.change(func() { l.closed = true }) }

// Len is the number of lines so far.
func (l *Log) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost + len(l.lines)
}

// Since returns the lines from number n on, as far as they are still remembered.
func (l *Log) Since(n int) []Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Line(nil), l.lines[min(max(n-l.lost, 0), len(l.lines)):]...)
}

// Wait returns the first line from number n on that match accepts, waiting for it if need be.
func (l *Log) Wait(ctx context.Context, n int, match func(Line) bool) (Line, error) {
	var found *Line
	err := l.until(ctx, func() bool {
		for i := max(n-l.lost, 0); i < len(l.lines); i++ {
			if match(l.lines[i]) {
				found = &l.lines[i]
				return true
			}
		}
		n = l.lost + len(l.lines) // these have been checked
		return l.closed
	})
	if err != nil {
		return Line{}, err
	}
	if found == nil {
		return Line{}, errors.New("wait for the log: envoy ended before the line came")
	}
	return *found, nil
}

// parseLine reads a line in logFormat.
func parseLine(s string) Line {
	fields := strings.SplitN(s, "]", 5) // [time][thread][level][logger] text
	if len(fields) != 5 {
		return Line{Text: s}
	}
	for i, field := range fields[:4] {
		inner, ok := strings.CutPrefix(field, "[")
		if !ok {
			return Line{Text: s}
		}
		fields[i] = inner
	}
	return Line{Level: fields[2], Logger: fields[3], Text: unescape(strings.TrimPrefix(fields[4], " ")), Thread: fields[1]}
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

package envoyrun

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestLineWriter(t *testing.T) {
	var got []string
	w := &lineWriter{emit: func(s string) { got = append(got, s) }}
	for _, part := range []string{"one\ntw", "o\r\n", "\nunfinished"} {
		if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatalf("Write(%q) = %d, %v", part, n, err)
		}
	}
	if want := []string{"one", "two", ""}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestParseLine(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     Line
	}{
		{"envoy", "[22:32:16.226][17][info][main] starting main dispatch loop", Line{"info", "main", "starting main dispatch loop", "17"}},
		{"brackets in the text", "[22:32:16.226][17][error][wasm] wasm log a b: [x] [y]", Line{"error", "wasm", "wasm log a b: [x] [y]", "17"}},
		{
			"escapes of the guest's bytes", `[22:32:16.226][17][info][wasm] odd \"dq\" \'sq\' back\\slash \\n nl\nnext\ttab\r \001\177 \303\251`,
			Line{"info", "wasm", "odd \"dq\" 'sq' back\\slash \\n nl\nnext\ttab\r \x01\x7f é", "17"},
		},
		{"not Envoy's format", "external/foo: panic", Line{Text: "external/foo: panic"}},
		{"empty", "", Line{}},
		{"a bracket only", "[]]]", Line{Text: "[]]]"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := parseLine(c.in); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestUnescapeKeepsWhatIsNoEscape(t *testing.T) {
	for _, s := range []string{`\`, `\x`, `\400`, `\18a`, `end\12`} {
		if got := unescape(s); got != s {
			t.Errorf("unescape(%q) = %q, want it unchanged", s, got)
		}
	}
}

func TestLogForgetsTheOldest(t *testing.T) {
	l := newLog(parseLine)
	for i := range maxLogLines + 10 {
		l.add(Line{Text: fmt.Sprint(i)})
	}
	if got, want := l.Len(), maxLogLines+10; got != want {
		t.Errorf("Len = %d, want %d", got, want)
	}
	tail := l.Since(maxLogLines + 8)
	if len(tail) != 2 || tail[0].Text != fmt.Sprint(maxLogLines+8) {
		t.Errorf("Since = %v, want the two last lines", tail)
	}
	if kept := l.Since(0); len(kept) > maxLogLines {
		t.Errorf("%d lines are kept, want at most %d", len(kept), maxLogLines)
	}
	if beyond := l.Since(l.Len() + 5); len(beyond) != 0 {
		t.Errorf("Since beyond the end = %v, want none", beyond)
	}
}

func TestLogWait(t *testing.T) {
	isLate := func(l Line) bool { return l.Text == "late" }
	t.Run("a line still to come", func(t *testing.T) {
		l := newLog(parseLine)
		l.add(Line{Text: "late"}) // before the mark
		mark := l.Len()
		go l.add(Line{Level: "info", Text: "late"})
		got, err := l.Wait(t.Context(), mark, isLate)
		if err != nil || got.Level != "info" {
			t.Errorf("got %+v, %v, want the line after the mark", got, err)
		}
	})
	t.Run("the end of the process", func(t *testing.T) {
		l := newLog(parseLine)
		go l.close()
		if _, err := l.Wait(t.Context(), 0, isLate); err == nil {
			t.Error("got no error at the end of the log")
		}
	})
	t.Run("the deadline", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := newLog(parseLine).Wait(ctx, 0, isLate); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the context's error", err)
		}
	})
}

func TestLogSync(t *testing.T) {
	l := newLog(parseLine)
	w, end, err := l.attach()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		if _, err := fmt.Fprintf(w, "line %d\n", i); err != nil {
			t.Fatal(err)
		}
		if err := l.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := l.Len(); got != i+1 {
			t.Fatalf("after Sync the log has %d lines, want %d", got, i+1)
		}
	}
	end()
	if err := l.Sync(t.Context()); err != nil {
		t.Errorf("Sync after the end: %v", err)
	}
}

package command

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

// traced is one request and everything that came of it.
type traced struct {
	request    hostsim.Request
	startup    []hostsim.TraceEntry
	startupLog []hostsim.LogLine
	began      time.Time
	response   hostsim.Response
	exchange   hostsim.Exchange
}

// verdict is a failure found when the filter crashed or the stream hung.
func (t *traced) verdict() error {
	for _, e := range t.exchange.Trace {
		if e.Trapped {
			return found("the filter crashed in %s: --log shows its last words", e.Name)
		}
	}
	switch {
	case t.exchange.Details == "stream_idle_timeout":
		return found("the request hung until Envoy's idle timeout, after %v: the filter paused it and never resumed it", t.exchange.Elapsed)
	case t.response.Status == 0:
		return found("the request ended without a response: %s", orNone(t.exchange.Details, "the stream was reset"))
	}
	return nil
}

// print never prints a value, nor the query, where credentials travel.
func (t *traced) print(w io.Writer, startup, log bool) {
	if startup {
		printStartup(w, t.startup, t.began)
		if log {
			printLog(w, t.startupLog)
		}
		fmt.Fprintln(w)
	}
	path, query, _ := strings.Cut(t.request.Path, "?")
	if query != "" {
		path += fmt.Sprintf("?(%d bytes)", len(query))
	}
	fmt.Fprintf(w, "%s %s%s\n", t.request.Method, printable(t.request.Authority), printable(path))
	printCalls(w, t.exchange.Trace, t.began)
	if log {
		printLog(w, t.exchange.Log)
	}
	fmt.Fprintln(w)
	for _, c := range t.exchange.Calls {
		outcome := ""
		if c.Status != abi.StatusOK {
			outcome = " (refused: " + c.Status.String() + ")"
		}
		fmt.Fprintf(w, "callout to %s%s: %s, body %s\n", printable(c.Cluster), outcome, names(c.Headers), byteCount(len(c.Body)))
	}
	if up := t.exchange.Upstream; up != nil {
		fmt.Fprintf(w, "backend saw: %s, body %s\n", names(up.Headers), byteCount(len(up.Body)))
	} else {
		fmt.Fprintln(w, "backend saw nothing")
	}
	fmt.Fprintf(w, "client got %d: %s, body %s\n", t.response.Status, names(t.response.Headers), byteCount(len(t.response.Body)))
	fmt.Fprintf(w, "%s, %v on the simulated clock, details %s\n", plural(t.exchange.AllHostcalls, "hostcall"),
		t.exchange.Elapsed, orNone(printable(t.exchange.Details), "none"))
}

// printStartup says which VM it is: Envoy makes one to try the configuration, one for the main thread and one per
// worker.
func printStartup(w io.Writer, trace []hostsim.TraceEntry, began time.Time) {
	for from := 0; from < len(trace); {
		to := from + 1
		for to < len(trace) && !(trace[to].Callback && trace[to].Name == trace[0].Name) {
			to++
		}
		vm := "main thread"
		if from == 0 {
			vm = "canary"
		} else if n := trace[from].Thread; n > 0 {
			vm = fmt.Sprintf("worker %d", n)
		}
		fmt.Fprintln(w, "start on the "+vm)
		printCalls(w, trace[from:to], began)
		from = to
	}
}

func printCalls(w io.Writer, trace []hostsim.TraceEntry, began time.Time) {
	fmt.Fprintf(w, "%10s %10s\n", "AT", "TOOK")
	for _, e := range trace {
		indent := "  "
		if e.Callback {
			indent = ""
		}
		fmt.Fprintf(w, "%10s %10v %s%s\n", offset(e.At.Sub(began)), round(e.Took), indent, printable(e.String()))
		if why := e.Explain(); why != "" {
			fmt.Fprintf(w, "%21s   %s%s\n", "", indent, why)
		}
	}
}

func offset(d time.Duration) string { return "+" + d.Round(time.Millisecond).String() }

// round keeps three digits or so.
func round(d time.Duration) time.Duration {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond)
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond)
	case d >= time.Microsecond:
		return d.Round(100 * time.Nanosecond)
	}
	return d
}

func printLog(w io.Writer, log []hostsim.LogLine) {
	for _, l := range log {
		fmt.Fprintf(w, "log %s: %s\n", l.Level, printable(l.Message))
	}
}

// names are the headers' names, each with the length of its value and nothing more.
func names(h abi.Headers) string {
	if len(h) == 0 {
		return "no headers"
	}
	parts := make([]string, len(h))
	for i, f := range h {
		parts[i] = fmt.Sprintf("%s(%d)", printable(f.Name), len(f.Value))
	}
	return strings.Join(parts, " ")
}

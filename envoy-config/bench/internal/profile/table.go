package profile

import (
	"fmt"
	"io"
	"strings"
)

// How much of a profile is printed.
const (
	topFunctions = 25
	topAreas     = 14
)

// Result is everything that was found about one request.
type Result struct {
	Request Request
	Guest   *Guest
	Calls   Calls
}

// Write prints three tables: where the guest's time goes, hostcalls by kind,
// and allocations.
func Write(w io.Writer, results []Result) {
	for _, r := range results {
		fmt.Fprintf(w, "\nGuest by function, %s (%% of the guest's own time; %d requests in Node, %.1f µs each with the host in JavaScript)\n",
			r.Request.Name, r.Guest.Requests, r.Guest.Micros)
		side(w, byArea(r.Guest.Functions), topAreas)
		fmt.Fprintln(w)
		side(w, r.Guest.Functions, topFunctions)
	}
	fmt.Fprint(w, "\nHostcalls and callbacks per request, by kind")
	writeCalls(w, results)
	fmt.Fprintf(w, "\nAllocations in the guest per request\n  %-20s %8s %8s\n", "", "objects", "bytes")
	for _, r := range results {
		fmt.Fprintf(w, "  %-20s %8.1f %8.0f\n", r.Request.Name, r.Guest.Objects, r.Guest.Bytes)
	}
}

func side(w io.Writer, functions []Function, n int) {
	for _, f := range functions[:min(n, len(functions))] {
		fmt.Fprintf(w, "  %5.1f  %s\n", 100*f.Share, f.Name)
	}
}

func writeCalls(w io.Writer, results []Result) {
	const width = 42
	head := func(title string) {
		fmt.Fprintf(w, "\n  %-*s", width, title)
		for _, r := range results {
			fmt.Fprintf(w, " %15s", r.Request.Name)
		}
		fmt.Fprintln(w)
	}
	rows := func(get func(Calls) []Count) {
		var names []Count
		for _, r := range results {
			for _, c := range get(r.Calls) {
				names = add(names, c.Name)
			}
		}
		sums := make([]int, len(results))
		line := func(name string, values []int) {
			var b strings.Builder
			for _, v := range values {
				text := ""
				if v > 0 {
					text = fmt.Sprint(v)
				}
				fmt.Fprintf(&b, " %15s", text)
			}
			fmt.Fprintf(w, "  %-*s%s\n", width, name, b.String())
		}
		for _, n := range names {
			values := make([]int, len(results))
			for i, r := range results {
				values[i] = times(get(r.Calls), n.Name)
				sums[i] += values[i]
			}
			line(n.Name, values)
		}
		line("total", sums)
	}
	head("hostcalls")
	rows(func(c Calls) []Count { return c.Hostcalls })
	head("callbacks")
	rows(func(c Calls) []Count { return c.Callbacks })
}

func times(counts []Count, name string) int {
	for _, c := range counts {
		if c.Name == name {
			return c.Times
		}
	}
	return 0
}

// Package delta writes what was expected beside what was seen.
package delta

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Delta shows an expectation beside what was seen: lines that agree are indented,
// "-" is expected and not seen, "+" is seen and not expected.
type Delta struct {
	Text    strings.Builder
	Differs bool
}

func (d *Delta) Same(line string) { d.Text.WriteString("  " + line + "\n") }

func (d *Delta) Missing(line string) {
	d.Differs = true
	d.Text.WriteString("- " + line + "\n")
}

func (d *Delta) Extra(line string) {
	d.Differs = true
	d.Text.WriteString("+ " + line + "\n")
}

// Every marks all lines of a message.
func (d *Delta) Every(mark func(string), text string) {
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		mark(line)
	}
}

func (d *Delta) Line(want, got string, equal bool) {
	if equal {
		d.Same(got)
		return
	}
	d.Missing(want)
	d.Extra(got)
}

// maxShown bounds how much of a body a report shows, in bytes.
const maxShown = 2 << 10

// Lines is a body for reading: its lines when it is text, else quoted.
func Lines(body []byte) []string {
	if len(body) == 0 {
		return []string{"(no body)"}
	}
	if len(body) > maxShown || !utf8.Valid(body) || bytes.ContainsFunc(body, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' }) {
		return Quoted(body)
	}
	out := strings.Split(string(body), "\n")
	if out[len(out)-1] == "" {
		out[len(out)-1] = "(newline at the end)"
	}
	return out
}

// Quoted is a body cut to a bearable length, as one line.
func Quoted(body []byte) []string {
	if len(body) > maxShown {
		return []string{fmt.Sprintf("%q... (%d bytes)", body[:maxShown], len(body))}
	}
	return []string{strconv.Quote(string(body))}
}

// Partners gives each of the first its own of the second that fits, or -1, as
// many as there can be (augmenting paths).
func Partners(first, second int, fits func(i, j int) bool) []int {
	edges := make([][]int, first)
	for i := range edges {
		for j := range second {
			if fits(i, j) {
				edges[i] = append(edges[i], j)
			}
		}
	}
	owner := make([]int, second)
	for j := range owner {
		owner[j] = -1
	}
	var find func(i int, visited []bool) bool
	find = func(i int, visited []bool) bool {
		for _, j := range edges[i] {
			if visited[j] {
				continue
			}
			visited[j] = true
			if owner[j] < 0 || find(owner[j], visited) {
				owner[j] = i
				return true
			}
		}
		return false
	}
	for i := range first {
		find(i, make([]bool, second))
	}
	partner := make([]int, first)
	for i := range partner {
		partner[i] = -1
	}
	for j, i := range owner {
		if i >= 0 {
			partner[i] = j
		}
	}
	return partner
}

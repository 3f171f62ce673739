package fidelity

import (
	"fmt"
	"slices"
	"strings"
)

// Comparison is what a case on one version came to.
type Comparison struct {
	Case    *Case
	Version string
	// Difference is empty when both hosts showed the same: else lines with - for what only Envoy and + for what only the
	// simulated host showed.
	Difference string
	// Reason is the file's, why they may differ.
	Reason string
	// Fault is why the verdict cannot be trusted: an expected line missing, a technical failure.
	Fault string
}

// Failed says why the verdict must not stand; empty when it may.
func (v *Comparison) Failed() string {
	switch {
	case v.Fault != "":
		return v.Fault
	case v.Difference != "" && v.Reason == "":
		return "differs without a reason:\n" + v.Difference
	case v.Difference == "" && v.Reason != "":
		return "does not differ any more: remove the reason " + v.Reason
	}
	return ""
}

// Word is the verdict in one word.
func (v *Comparison) Word() string {
	switch {
	case v.Failed() != "":
		return "FAILED"
	case v.Difference != "":
		return "different"
	}
	return "equal"
}

// compare holds what the two hosts showed against each other, and against the lines that must occur.
func compare(c *Case, version string, envoy, simulated *observation) Comparison {
	v := Comparison{Case: c, Version: version, Reason: c.reason(version)}
	a, b := envoy.lines(c.Settings.Masks), simulated.lines(c.Settings.Masks)
	v.Difference = difference(a, b)
	for _, e := range c.Expect {
		if !speaksOf(e.Versions, version) {
			continue
		}
		for host, lines := range map[string][]string{"Envoy": a, "hostsim": b} {
			// Where the hosts are known to differ, Envoy is the one that must show it.
			if v.Reason != "" && host == "hostsim" {
				continue
			}
			if !slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, e.Line) }) {
				v.Fault += fmt.Sprintf("%s does not show %q; it shows:\n  %s\n", host, e.Line, strings.Join(lines, "\n  "))
			}
		}
	}
	return v
}

// difference is a line diff by the longest common subsequence; empty for equal texts.
func difference(a, b []string) string {
	if slices.Equal(a, b) {
		return ""
	}
	// common[i][j] is the length for a[i:] and b[j:].
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var out []string
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, "  "+a[i])
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			out = append(out, "- "+a[i])
			i++
		default:
			out = append(out, "+ "+b[j])
			j++
		}
	}
	return strings.Join(out, "\n")
}

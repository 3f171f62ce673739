package fidelity

import (
	"fmt"
	"slices"
	"strings"
)

// Least is how many behaviours there must be.
const Least = 120

// Report is the table.
type Report struct {
	Versions []string
	Cases    []*Case
	Verdicts map[string]map[string]Comparison // by version and case
}

// String is the table: cases and versions, reasons, totals, and the checklist with the cases that cover it.
func (r *Report) String() string {
	var b strings.Builder
	width := 0
	for _, c := range r.Cases {
		width = max(width, len(c.Name))
	}
	fmt.Fprintf(&b, "%-*s", width, "behaviour")
	for _, v := range r.Versions {
		fmt.Fprintf(&b, "  %-9s", v)
	}
	b.WriteString("\n")
	totals := map[string]map[string]int{}
	for _, v := range r.Versions {
		totals[v] = map[string]int{}
	}
	for _, c := range r.Cases {
		fmt.Fprintf(&b, "%-*s", width, c.Name)
		for _, v := range r.Versions {
			verdict, played := r.Verdicts[v][c.Name]
			word := "not run"
			if played {
				word = verdict.Word()
			}
			totals[v][word]++
			fmt.Fprintf(&b, "  %-9s", word)
		}
		b.WriteString("  " + c.Behaviour + "\n")
		for _, d := range c.Differs {
			fmt.Fprintf(&b, "%-*s  different on %s: %s\n", width, "", orAll(d.Versions), d.Reason)
		}
	}
	b.WriteString("\n")
	for _, word := range []string{"equal", "different", "FAILED", "not run"} {
		fmt.Fprintf(&b, "%-*s", width, word)
		for _, v := range r.Versions {
			fmt.Fprintf(&b, "  %-9d", totals[v][word])
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "%d behaviours\n\nWhat a simulated host must get right, and the cases that show it:\n", len(r.Cases))
	for i, row := range Checklist {
		fmt.Fprintf(&b, "%d. %s\n   %s\n", i+1, row, strings.Join(covering(r.Cases, i+1), " "))
	}
	return b.String()
}

func orAll(versions []string) string {
	if len(versions) == 0 {
		return "all"
	}
	return strings.Join(versions, " ")
}

func covering(cases []*Case, row int) []string {
	var names []string
	for _, c := range cases {
		if slices.Contains(c.Settings.Covers, row) {
			names = append(names, c.Name)
		}
	}
	return names
}

// Failures are the verdicts that must not stand, with all that is known of each; versions that fail alike come together.
func (r *Report) Failures() []string {
	var out []string
	for _, c := range r.Cases {
		var whys []string
		versions := map[string][]string{}
		for _, version := range r.Versions {
			why := "not run"
			if verdict, ok := r.Verdicts[version][c.Name]; ok {
				why = verdict.Failed()
			}
			if why != "" && versions[why] == nil {
				whys = append(whys, why)
			}
			versions[why] = append(versions[why], version)
		}
		for _, why := range whys {
			out = append(out, fmt.Sprintf("%s on %s: %s", c.Name, strings.Join(versions[why], " "), why))
		}
	}
	return out
}

// Gaps are what the set of cases lacks: behaviours, or rows of the checklist.
func Gaps(cases []*Case) []string {
	var out []string
	if len(cases) < Least {
		out = append(out, fmt.Sprintf("%d behaviours: want %d", len(cases), Least))
	}
	for i := range Checklist {
		if len(covering(cases, i+1)) == 0 {
			out = append(out, fmt.Sprintf("row %d of the checklist has no case", i+1))
		}
	}
	return out
}

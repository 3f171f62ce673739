package fidelity

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// together are the responses to one request that was sent several times.
func together(responses []response) response {
	if len(responses) == 1 {
		return responses[0]
	}
	return response{all: responses}
}

// tally says how often each response came: which of the requests got it is not known.
func (r *response) tally(masks []mask) []string {
	counts := map[string]int{}
	for _, one := range r.all {
		one.request = r.request
		lines := one.lines()
		for i := range lines {
			lines[i] = masked(strings.TrimPrefix(lines[i], "response "+r.request+": "), masks)
		}
		counts[strings.Join(lines, ", ")]++
	}
	var out []string
	for _, text := range slices.Sorted(maps.Keys(counts)) {
		out = append(out, fmt.Sprintf("response %s: %d times %s", r.request, counts[text], text))
	}
	return out
}

package fidelity

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/verbatim"
)

// maxShownBody bounds how much of a body a line has; a longer one is told by its length.
const maxShownBody = 300

// observation is everything that could be seen of one case on one host.
type observation struct {
	events    []string // start, updates: in order
	responses []response
	upstream  []verbatim.Seen            // what the backend saw
	calls     map[string][]verbatim.Seen // what clusters saw
	log       map[string][]line          // by thread
	counts    map[string]uint64          // metrics of the guest and reloads; those at 0 are not compared
}

// ends keeps what the ends of a TCP connection saw.
func (o *observation) ends(name string, moves []scenario.Move, seen [][]string) {
	for i, lines := range seen {
		what := "connect"
		if i > 0 {
			what = moves[i-1].Text
		}
		o.events = append(o.events, "connection "+name+": "+strings.Join(append([]string{what}, lines...), "; "))
	}
}

type response struct {
	verbatim.Reply
	all     []response     // of a request that was sent several times; the rest is empty then
	request string         // its name or number
	took    *time.Duration // when that is to be shown
}

type line struct{ level, text string }

// timerSlack is by how much Envoy's timers, which begin at the time that its loop has noted, may be early; and much more.
const timerSlack = 250 * time.Millisecond

// mainThread is its name in observation.log.
const mainThread = "main"

// lines are the observation as text, with what is random or belongs to the machine masked.
func (o *observation) lines(masks []mask) []string {
	out := slices.Clone(o.events)
	for _, r := range o.responses {
		if r.all != nil {
			out = append(out, r.tally(masks)...)
		} else {
			out = append(out, r.lines()...)
		}
	}
	for i, m := range o.upstream {
		out = append(out, messageLines(fmt.Sprintf("upstream %d: ", i+1), m)...)
	}
	for _, name := range slices.Sorted(maps.Keys(o.calls)) {
		for i, m := range o.calls[name] {
			out = append(out, messageLines(fmt.Sprintf("call %s %d: ", name, i+1), m)...)
		}
	}
	out = append(out, o.logLines()...)
	for _, name := range slices.Sorted(maps.Keys(o.counts)) {
		if o.counts[name] != 0 {
			out = append(out, fmt.Sprintf("count %s %d", name, o.counts[name]))
		}
	}
	for i := range out {
		out[i] = masked(out[i], masks)
	}
	return out
}

func (r *response) lines() []string {
	prefix := "response " + r.request + ": "
	if r.Left {
		return []string{prefix + "the client left"}
	}
	out := []string{fmt.Sprintf("%s%d", prefix, r.Status)}
	out = append(out, headerLines(prefix, r.Headers)...)
	out = append(out, bodyLines(prefix, r.Body)...)
	out = append(out, headerLines(prefix+"trailer ", r.Trailers)...)
	if r.Reset {
		out = append(out, prefix+"reset")
	}
	if r.took != nil {
		out = append(out, fmt.Sprintf("%safter %d whole seconds", prefix, (*r.took+timerSlack)/time.Second))
	}
	if r.Hangs {
		out = append(out, prefix+"the client waits for more")
	}
	if len(r.Excess) > 0 {
		out = append(out, fmt.Sprintf("%sand then %q", prefix, r.Excess))
	}
	return out
}

func messageLines(prefix string, m verbatim.Seen) []string {
	out := []string{prefix + m.Method + " " + scenario.HeaderValue(m.Headers, "host") + " " + m.Target}
	out = append(out, headerLines(prefix, m.Headers)...)
	if m.Incomplete {
		return append(out, prefix+"incomplete")
	}
	out = append(out, bodyLines(prefix, m.Body)...)
	return append(out, headerLines(prefix+"trailer ", m.Trailers)...)
}

// framing are the headers that each host's own codec writes; date and server the simulated host does not have. Of
// connection only a response's close is kept: see verbatim.ReadResponse. The host stands in the first line.
var framing = map[string]bool{"transfer-encoding": true, "content-length": true, "date": true, "server": true, "host": true}

// headerLines are sorted by name; those of one name stay in their order.
func headerLines(prefix string, headers []scenario.Header) []string {
	var out []string
	for _, h := range headers {
		name := strings.ToLower(h.Name)
		if !framing[name] && !strings.HasPrefix(name, ":") {
			out = append(out, prefix+name+": "+h.Value)
		}
	}
	slices.SortStableFunc(out, func(a, b string) int {
		nameOf := func(s string) string { name, _, _ := strings.Cut(s[len(prefix):], ":"); return name }
		return strings.Compare(nameOf(a), nameOf(b))
	})
	return out
}

func bodyLines(prefix string, body []byte) []string {
	switch {
	case len(body) == 0:
		return nil
	case len(body) > maxShownBody:
		return []string{fmt.Sprintf("%sbody of %d bytes", prefix, len(body))}
	}
	return []string{fmt.Sprintf("%sbody %q", prefix, body)}
}

// logLines are the threads' lines, each thread's in their order. Workers have no names of their own: they are told
// apart by what they wrote.
func (o *observation) logLines() []string {
	var main []string
	var workers [][]string
	for thread, lines := range o.log {
		var texts []string
		for _, l := range withoutTraces(lines) {
			texts = append(texts, "["+l.level+"] "+l.text)
		}
		if thread == mainThread {
			main = texts
		} else {
			workers = append(workers, texts)
		}
	}
	slices.SortFunc(workers, slices.Compare)
	out := prefixed("main", main)
	for i, lines := range workers {
		out = append(out, prefixed(fmt.Sprintf("worker %d", i+1), lines)...)
	}
	return out
}

func prefixed(prefix string, lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = prefix + ": " + l
	}
	return out
}

// withoutTraces puts one line for what a Go guest writes when it dies: fragments with addresses of its code.
func withoutTraces(lines []line) []line {
	var out []line
	dying := false
	for _, l := range lines {
		switch {
		case l.level != "error":
			dying = false
		case dying:
			continue
		case strings.HasPrefix(l.text, "panic") || strings.HasPrefix(l.text, "fatal error"):
			dying = true
			l.text = "(a crash)"
		}
		out = append(out, l)
	}
	return out
}

var (
	everywhere = []mask{
		{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:PORT"},
		{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "UUID"},
		{regexp.MustCompile(`(: (?:now|time) -> (?:0 )?)\d+$`), "${1}TIME"},
		{regexp.MustCompile(`(x-envoy-upstream-service-time(?:: |\|))\d+`), "${1}MS"},
		// Queues are numbered over the whole process.
		{regexp.MustCompile(`((?:qregister|qresolve) .* -> 0 )\d+$`), "${1}ID"},
		{regexp.MustCompile(`(queue_ready \d+ )\d+:`), "${1}ID:"},
	}
)

func masked(s string, masks []mask) string {
	for _, m := range slices.Concat(everywhere, masks) {
		s = m.pattern.ReplaceAllString(s, m.with)
	}
	return s
}

package scenario

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario/internal/pattern"
	"golang.org/x/net/http/httpguts"
	"golang.org/x/tools/txtar"
)

// Update plays a scenario and returns the file with each wrong response, backend,
// calls and metrics section rewritten to what was seen. Sections that are right
// stay as they are, with their ${...} and regular expressions. It rewrites no log
// and no config_error section: what a log must say is for a person to state.
func Update(ctx context.Context, f *File, d Driver) ([]byte, error) {
	findings, err := play(ctx, f, d)
	if err != nil {
		return nil, fmt.Errorf("update: %w", err)
	}
	replaced := map[int]*string{}
	added := map[int][]txtar.File{}
	for _, one := range findings {
		switch {
		case !one.delta.Differs || !one.rewritable:
		case one.index >= 0:
			replaced[one.index] = &one.seen
		default:
			added[one.after] = append(added[one.after], txtar.File{Name: one.section, Data: []byte(one.seen)})
		}
	}
	out := &txtar.Archive{Comment: f.archive.Comment}
	for i, section := range f.archive.Files {
		if text, ok := replaced[i]; !ok {
			out.Files = append(out.Files, section)
		} else if *text != "" {
			out.Files = append(out.Files, txtar.File{Name: section.Name, Data: []byte(*text)})
		}
		out.Files = append(out.Files, added[i]...)
	}
	return txtar.Format(out), nil
}

// writeResponse and its siblings write what was seen as the text of a section.
// keep are the headers of the section as it was: noise that it names stays.

func writeResponse(r Response, keep []Header) string {
	return formatResponse(Response{Status: r.Status, Headers: writableHeaders(r.Headers, keep), Body: writableBody(r.Body)})
}

func writeRequest(r Request, keep []Header) string {
	return formatRequest(Request{Method: r.Method, Target: writableTarget(r.Target),
		Headers: writableHeaders(r.Headers, keep), Body: writableBody(r.Body)})
}

func writableTarget(target string) string {
	if pattern.Is(target) || strings.Contains(target, "${") || !httpguts.ValidHeaderFieldValue(target) {
		return literalPattern([]byte(target))
	}
	return target
}

func writeCalls(want *callsWant, got []Request) string {
	if len(got) == 0 {
		return ""
	}
	if want != nil && want.requests == nil {
		return strconv.Itoa(len(got)) + "\n"
	}
	parts := make([]string, len(got))
	for i, r := range got {
		var keep []Header
		if want != nil && i < len(want.requests) {
			keep = want.requests[i].message.Headers
		}
		parts[i] = writeRequest(r, keep)
	}
	return strings.Join(parts, callSeparator+"\n")
}

func writeMetrics(want *metricsWant, x *expander, before, after map[string]int64) string {
	var b strings.Builder
	for _, m := range want.deltas {
		name := x.Text(m.name)
		b.WriteString(formatDelta(m.name, after[name]-before[name]) + "\n")
	}
	return b.String()
}

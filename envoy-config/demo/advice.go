package demo

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/docs"
)

// adviceSection is a part of the page on troubleshooting.
type adviceSection struct {
	Heading string
	Rows    []docs.Advice
}

// adviceBySection is the whole page.
func adviceBySection() (sections []adviceSection) {
	for _, a := range docs.Troubleshooting() {
		if len(sections) == 0 || sections[len(sections)-1].Heading != a.Section {
			sections = append(sections, adviceSection{Heading: a.Section})
		}
		last := &sections[len(sections)-1]
		last.Rows = append(last.Rows, a)
	}
	return sections
}

// adviceOn is what to do about a reason, "" when the page does not say.
func adviceOn(reason string) string {
	for _, a := range docs.Troubleshooting() {
		if slices.Contains(a.Reasons, reason) {
			return a.Text
		}
	}
	return ""
}

// refused notes the reason that the gateway gave, "" for an answer of the backend.
func (r *result) refused(reason string) {
	r.Reason, r.Door, r.Advice = reason, "", ""
	if reason != "" {
		r.Door, r.Advice = strings.ReplaceAll(doorOf(reason), "_", " "), adviceOn(reason)
	}
}

// traceOf is the address at which the page Trace shows a call. Envoy gives a
// request that comes from outside an id of its own, so a call is found by its
// method, its path and the time during which it was in progress.
func traceOf(r *http.Request, began, ended time.Time) string {
	return "/trace#" + url.Values{
		"method": {r.Method}, "path": {r.URL.Path},
		"from": {strconv.FormatInt(began.UnixMilli(), 10)}, "to": {strconv.FormatInt(ended.UnixMilli()+1, 10)},
	}.Encode()
}

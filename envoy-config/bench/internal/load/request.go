// Package load makes requests: with wrk, which comes from Debian, as many as
// the server takes, and by itself at an even rate, which wrk cannot do.
package load

import (
	"fmt"
	"strings"
)

// Header is one of a request's headers.
type Header struct{ Name, Value string }

// Mark is where a header's value or the path has a number of its own in each
// request.
const Mark = "#######"

// Many says which number of seven digits a request has in place of Mark.
type Many struct {
	From   int
	Count  int
	InTurn bool // From+1, From+2, …; otherwise random
	Skewed bool // the n-th most frequent is n times as rare as the first
}

// Request is what all connections send again and again.
type Request struct {
	Path    string
	Headers []Header // Host among them
	Many    *Many    // nil: every request is the same
}

// text is the request on the wire, HTTP/1.1.
func (r Request) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\n", r.Path)
	for _, h := range r.Headers {
		fmt.Fprintf(&b, "%s: %s\r\n", h.Name, h.Value)
	}
	b.WriteString("\r\n")
	return b.String()
}

// script is the beginning of wrk's script: what wrk.lua expects.
func (r Request) script(seed int) (string, error) {
	if r.Many == nil {
		return "local many\n", nil
	}
	head, tail, ok := strings.Cut(r.text(), Mark)
	if !ok || strings.Contains(tail, Mark) {
		return "", fmt.Errorf("the request must contain %q exactly once", Mark)
	}
	return fmt.Sprintf("local many = {from = %d, count = %d, in_turn = %v, skewed = %v, seed = %d}\nlocal head, tail = %q, %q\n",
		r.Many.From, r.Many.Count, r.Many.InTurn, r.Many.Skewed, seed, head, tail), nil
}

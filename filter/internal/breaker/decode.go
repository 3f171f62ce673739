package breaker

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
)

const (
	maxCalls  = 1000
	minTime   = 100 * time.Millisecond
	minWindow = time.Second
)

// Default opens after a few failures in a row, and for no longer than people
// wait: while it is open, requests that need the server are refused.
var Default = Breaker{
	Failures:       5,
	FailurePercent: 50,
	MinCalls:       20,
	Window:         10 * time.Second,
	OpenFor:        time.Second,
	LongestOpen:    30 * time.Second,
}

var members = decode.Members{Names: []string{"failures", "failure_percent", "min_calls", "window", "open_for", "longest_open"}}

// Decode reads "off" or a breaker's options.
func Decode(r *decode.Reader, v decode.Value) Breaker {
	b := Default
	const wanted = `"off" or {failures: ..., open_for: ...}`
	if v.IsString() {
		if v.Content() != "off" {
			r.Got("must be "+wanted, v.Content())
		}
		return Breaker{}
	}
	if v.IsBool() { // what a YAML 1.1 reader makes of off
		r.Wrong(v, wanted, `; write "off" in quotes`)
		return Breaker{}
	}
	longest := false
	r.Object(v, &members, func(name string, v decode.Value) {
		switch name {
		case "failures":
			b.Failures = r.Integer(v, 1, maxCalls)
		case "failure_percent":
			b.FailurePercent = r.Integer(v, 1, 100)
		case "min_calls":
			b.MinCalls = r.Integer(v, 1, maxCalls)
		case "window":
			b.Window = r.Duration(v, minWindow, MaxWindow)
		case "open_for":
			b.OpenFor = r.Duration(v, minTime, MaxOpenFor)
		case "longest_open":
			longest = true
			b.LongestOpen = r.Duration(v, minTime, MaxOpenFor)
		}
	})
	if longest && b.OpenFor > b.LongestOpen && b.LongestOpen > 0 {
		r.ProblemAt("longest_open", "must not be shorter than open_for, "+b.OpenFor.String())
	}
	b.LongestOpen = max(b.LongestOpen, b.OpenFor)
	return b
}

// Schema describes what Decode reads.
func Schema() *decode.Schema {
	return decode.OrOff("When calls stop, because the server is in trouble.", decode.ObjectSchema(&members, "", decode.Shapes{
		"failures":        decode.IntegerSchema("So many failures in a row open it.", 1, maxCalls).WithDefault(Default.Failures),
		"failure_percent": decode.IntegerSchema("So does this percentage of the calls within the window.", 1, 100).WithDefault(Default.FailurePercent),
		"min_calls":       decode.IntegerSchema("With fewer calls the percentage does not count.", 1, maxCalls).WithDefault(Default.MinCalls),
		"window":          decode.DurationSchema("", minWindow, MaxWindow).WithDefault(Default.Window),
		"open_for":        decode.DurationSchema("How long it stays open at first.", minTime, MaxOpenFor).WithDefault(Default.OpenFor),
		"longest_open":    decode.DurationSchema("How long it stays open at most.", minTime, MaxOpenFor).WithDefault(Default.LongestOpen),
	}))
}

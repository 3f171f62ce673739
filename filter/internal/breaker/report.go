package breaker

import (
	"strconv"
	"time"
)

// The gauges, after the role's prefix. The label after them has the cluster's
// name.
const (
	metricBreaker   = "breaker." // 0 closed, 1 half-open, 2 open
	metricInFlight  = "in_flight."
	metricRemaining = "budget_remaining."
	metricLimit     = "budget_limit."
)

// warnAgain is how long no further warning of a low budget is given: one of
// Okta's windows.
const warnAgain = time.Minute

// nothingShown is not a mode: the gauge may still have what an earlier VM said.
const nothingShown mode = 255

// show sets the gauges to what this VM saw last.
func (g *Guard) show(now int64) {
	g.ports.Metrics.Gauge(g.options.Role.Metric+metricInFlight+g.label, int64(g.last.flights.count(now)))
	if g.last.mode != g.shown {
		g.shown = g.last.mode
		g.ports.Metrics.Gauge(g.options.Role.Metric+metricBreaker+g.label, int64(g.shown))
	}
}

// tell logs what this VM's own change did to the record. Others that only see
// it say nothing, so each event is logged once.
func (g *Guard) tell(before record, now int64) {
	after := &g.last
	if after.mode != before.mode {
		switch after.mode {
		case open:
			g.warn("failed " + decimal(int64(after.inARow)) + " times in a row, " + decimal(int64(after.failed)) + " of " +
				decimal(int64(after.calls)) + " calls in all: the circuit breaker is open for " + millis(after.until-now))
		case closed:
			g.warn("works again: the circuit breaker is closed")
		}
	}
	if after.heldUntil > before.heldUntil {
		g.warn("limits the calls: none will be made for " + millis(after.heldUntil-now))
	}
}

// label is a cluster's name without the character that ends a label, which
// Istio's names contain.
func label(cluster string) string {
	b := []byte(cluster)
	for i, c := range b {
		if c == '|' {
			b[i] = '_'
		}
	}
	return string(b)
}

//go:noinline
func (g *Guard) warn(what string) {
	g.ports.Warn("the " + g.options.Role.Name + " at cluster " + g.options.Cluster + " " + what)
}

func millis(nanos int64) string { return decimal(nanos/int64(time.Millisecond)) + "ms" }

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

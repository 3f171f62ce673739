package breaker

import (
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

// reference is the same thing told plainly: all workers are one, calls are a
// list, and nothing is packed or bounded.
type reference struct {
	o           Options
	calls       []*refCall // granted and not done
	open        bool
	probe       *refCall
	probeFrom   time.Time // open: when a probe may be sent
	doublings   int
	turn        int           // how many times the breaker changed
	row         int           // failures in a row
	counted     map[Mark]bool // closed: tokens whose failure counted in this row or window
	probed      map[Mark]bool // open: tokens that failed as probes, or may have
	window      []Ending
	windowEnd   time.Time
	held        time.Time
	comeback    bool // after a hold or an outage
	placesSoFar int
}

type refCall struct {
	permit  Permit
	leftEnd time.Time
	turn    int
	token   Mark
	probe   bool
	again   bool // a probe of a token that failed as one before
}

func (m *reference) admit(now time.Time, token Mark) (c *refCall, refusal denial.Reason) {
	c = &refCall{turn: m.turn, leftEnd: now.Add(m.o.Lease), token: token, again: m.open && m.probed[token]}
	if now.Before(m.held) {
		return nil, denial.IntrospectionRateLimited
	}
	if m.open {
		from := m.probeFrom
		if m.probe != nil && m.probe.leftEnd.After(from) {
			from = m.probe.leftEnd
		}
		if c.again {
			from = from.Add(m.o.Breaker.OpenFor)
		}
		if now.Before(from) {
			return nil, denial.IntrospectionCircuitOpen
		}
		c.probe = true
		m.probe = c
		m.probed[token] = true
	} else if m.inTheAir(now) >= m.places() {
		return nil, denial.IntrospectionOverloaded
	}
	m.calls = append(m.calls, c)
	return c, 0
}

func (m *reference) places() int {
	if m.comeback {
		return m.placesSoFar
	}
	return m.o.MaxInFlight
}

// inTheAir counts what was not given back; a lost call counts until the full
// second after its lease.
func (m *reference) inTheAir(now time.Time) (n int) {
	for _, c := range m.calls {
		end := c.leftEnd.Truncate(time.Second)
		if end.Before(c.leftEnd) {
			end = end.Add(time.Second)
		}
		if now.Before(end) {
			n++
		}
	}
	return n
}

func (m *reference) done(c *refCall, now time.Time, e Ending, hold time.Duration, random uint64) {
	m.calls = slices.DeleteFunc(m.calls, func(have *refCall) bool { return have == c })
	if e == Limited {
		if until := now.Add(hold); until.After(m.held) {
			m.held = until
		}
		m.comeback, m.placesSoFar = true, 1
	}
	if m.open {
		if c != m.probe {
			return
		}
		m.probe = nil
		switch e {
		case Answered, Limited:
			m.open, m.doublings, m.row, m.window, m.windowEnd, m.counted = false, 0, 0, nil, time.Time{}, map[Mark]bool{}
			m.turn++
			m.comeback, m.placesSoFar = true, 1
		case Lost:
			if !c.again {
				delete(m.probed, c.token)
			}
			m.doublings = 0
			m.trip(now, random)
		case Failed, Down:
			if c.again && e == Failed {
				m.shut(now, m.o.Breaker.OpenFor, random)
			} else {
				m.trip(now, random)
			}
		}
		return
	}
	if e == Answered {
		m.growPlaces()
	}
	if c.turn != m.turn || e != Answered && e != Failed && e != Down {
		return
	}
	if !now.Before(m.windowEnd) {
		m.window, m.windowEnd = nil, now.Add(m.o.Breaker.Window)
		if m.row == 0 {
			m.counted = map[Mark]bool{}
		}
	}
	if e == Failed {
		if m.counted[c.token] {
			return
		}
		m.counted[c.token] = true
	}
	m.window = append(m.window, e)
	failed := 0
	for _, have := range m.window {
		if have != Answered {
			failed++
		}
	}
	if e == Answered {
		m.row = 0
		return
	}
	m.row++
	m.growPlaces()
	b := m.o.Breaker
	if m.row >= b.Failures || len(m.window) >= b.MinCalls && float64(failed)/float64(len(m.window)) >= float64(b.FailurePercent)/100 {
		m.probed = map[Mark]bool{}
		m.trip(now, random)
	}
}

func (m *reference) growPlaces() {
	if m.comeback {
		m.placesSoFar++
		m.comeback = m.placesSoFar < m.o.MaxInFlight
	}
}

func (m *reference) trip(now time.Time, random uint64) {
	full := m.o.Breaker.OpenFor << m.doublings
	if full > m.o.Breaker.LongestOpen {
		full = m.o.Breaker.LongestOpen
	} else {
		m.doublings++
	}
	m.shut(now, full, random)
}

func (m *reference) shut(now time.Time, full time.Duration, random uint64) {
	half := full / 2
	m.open, m.probe = true, nil
	m.probeFrom = now.Add(half + time.Duration(random%uint64(half+1)))
	m.turn++
	m.comeback = false
}

func drawOptions(t *rapid.T) Options {
	o := usual()
	o.MaxInFlight = rapid.IntRange(1, 6).Draw(t, "places")
	o.Lease = rapid.SampledFrom([]time.Duration{500 * time.Millisecond, 3 * time.Second, MaxLease}).Draw(t, "lease")
	o.Breaker.Failures = rapid.IntRange(1, 6).Draw(t, "failures")
	o.Breaker.FailurePercent = rapid.IntRange(1, 100).Draw(t, "percent")
	o.Breaker.MinCalls = rapid.IntRange(1, 12).Draw(t, "min_calls")
	o.Breaker.OpenFor = rapid.SampledFrom([]time.Duration{100 * time.Millisecond, time.Second, 7 * time.Second}).Draw(t, "open_for")
	o.Breaker.LongestOpen = o.Breaker.OpenFor * time.Duration(rapid.IntRange(1, 20).Draw(t, "longest"))
	return o
}

var endings = []Ending{Answered, Failed, Failed, Answered, Failed, Down, Limited, Lost}

var steps = []time.Duration{0, time.Millisecond, 300 * time.Millisecond, time.Second, 3 * time.Second, 20 * time.Second}

// TestIntrospectionModelBreaker compares three workers that share a record with the
// reference, over random calls, endings, losses and times.
func TestIntrospectionModelBreaker(t *testing.T) {
	probes, refusals := 0, map[denial.Reason]int{}
	rapid.Check(t, func(t *rapid.T) {
		o := drawOptions(t)
		w, m := newWorld(3, o, nil), &reference{o: o, counted: map[Mark]bool{}}
		t.Repeat(map[string]func(*rapid.T){
			"admit": func(t *rapid.T) {
				token := Mark(rapid.IntRange(0, 7).Draw(t, "token")) * 65 % markBits
				p, d, ok := w.admitFor(rapid.IntRange(0, 2).Draw(t, "worker"), token)
				c, want := m.admit(w.now, token)
				if ok != (c != nil) || d.Reason != want {
					t.Fatalf("admitted %v, refused for %v; want %v", ok, d.Reason, want)
				}
				if !ok {
					refusals[d.Reason]++
					if d.RetryAfterSeconds < 1 || d.RetryAfterSeconds > int(MaxOpenFor/time.Second) {
						t.Fatalf("retry after %d", d.RetryAfterSeconds)
					}
					return
				}
				if p.Probe() != c.probe {
					t.Fatalf("probe %v, want %v", p.Probe(), c.probe)
				}
				if c.probe {
					probes++
				}
				c.permit = p
			},
			"done": func(t *rapid.T) {
				if len(m.calls) == 0 {
					t.Skip("no call")
				}
				c := rapid.SampledFrom(m.calls).Draw(t, "call")
				e := rapid.SampledFrom(endings).Draw(t, "ending")
				w.random = rapid.Uint64().Draw(t, "random")
				hold := rapid.IntRange(1, 3).Draw(t, "hold")
				w.done(rapid.IntRange(0, 2).Draw(t, "worker"), c.permit, e, host.Header{Name: "retry-after", Value: strconv.Itoa(hold)})
				m.done(c, w.now, e, time.Duration(hold)*time.Second, w.random)
			},
			"pass":        func(t *rapid.T) { w.pass(rapid.SampledFrom(steps).Draw(t, "time")) },
			"worker dies": func(*rapid.T) { w.guards[0] = nil; w.addWorker(o); w.guards[0] = w.guards[3]; w.guards = w.guards[:3] },
			"": func(t *rapid.T) {
				if n := m.inTheAir(w.now); n > o.MaxInFlight+1 {
					t.Fatalf("%d calls in the air", n)
				}
			},
		})
	})
	t.Logf("%d probes; refused: %v", probes, refusals)
}

// TestIntrospectionModelBreakerRecovers throws at two workers what a host can do, and then asks
// for calls that are answered: they must come through within the bounds.
func TestIntrospectionModelBreakerRecovers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := drawOptions(t)
		broken := false
		w := newWorld(2, o, func(memstore.Operation, string) error {
			if broken {
				return errors.New("the host failed")
			}
			return nil
		})
		var permits []Permit
		t.Repeat(map[string]func(*rapid.T){
			"admit": func(t *rapid.T) {
				if p, _, ok := w.admit(rapid.IntRange(0, 1).Draw(t, "worker")); ok {
					permits = append(permits, p)
					if broken {
						t.Fatal("admitted without a record")
					}
				}
			},
			"done": func(t *rapid.T) {
				if len(permits) > 0 { // perhaps twice
					w.done(rapid.IntRange(0, 1).Draw(t, "worker"), rapid.SampledFrom(permits).Draw(t, "call"), rapid.SampledFrom(endings).Draw(t, "ending"))
				}
			},
			"pass":  func(t *rapid.T) { w.pass(rapid.SampledFrom(steps).Draw(t, "time")) },
			"back":  func(t *rapid.T) { w.pass(-time.Hour * time.Duration(rapid.IntRange(1, 100).Draw(t, "hours"))) },
			"break": func(*rapid.T) { broken = !broken },
			"damage": func(t *rapid.T) {
				for _, key := range w.store.Keys() {
					_ = w.store.Set(key, rapid.SliceOf(rapid.Byte()).Draw(t, "value"), 0)
				}
			},
		})
		broken = false
		w.pass(max(MaxHold, MaxOpenFor, MaxLease) + time.Second)
		for range o.MaxInFlight + 1 {
			p, d, ok := w.admit(0)
			if !ok {
				t.Fatalf("refused for %v after all bounds", d.Reason)
			}
			w.done(0, p, Answered)
		}
		for range o.MaxInFlight {
			if _, d, ok := w.admit(1); !ok {
				t.Fatalf("refused for %v although the server answers", d.Reason)
			}
		}
	})
}

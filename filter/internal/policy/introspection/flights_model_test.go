package introspection

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// TestFlightsAgreeWithModel lets exchanges arrive, calls land in any order,
// late or never, and the host refuse. Each exchange must be decided once, by
// the call it waits for.
func TestFlightsAgreeWithModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBench(func(o *Options) { o.CacheMaxTTL = 0 })
		m := &flightModel{latest: map[string]int{}, began: map[int]time.Time{}, waiting: map[int][]*exchange{}}
		t.Repeat(map[string]func(*rapid.T){
			"arrive": func(t *rapid.T) { m.arrive(t, b) },
			"land":   func(t *rapid.T) { m.land(t, b) },
			"time": func(t *rapid.T) {
				b.now = b.now.Add(time.Duration(rapid.IntRange(-200, 2500).Draw(t, "ms")) * time.Millisecond)
			},
			"": func(t *rapid.T) {
				if len(b.step.flights.byKey) != len(m.latest) {
					t.Fatalf("%d flights noted, the model has %d", len(b.step.flights.byKey), len(m.latest))
				}
				for call, waiting := range m.waiting {
					for _, x := range waiting {
						if x.woken != 0 || x.verdict != pipeline.Parked {
							t.Fatalf("call %d has not landed, its exchange is decided: %v", call, x.verdict)
						}
					}
				}
			},
		})
	})
}

type flightModel struct {
	latest  map[string]int      // token -> the call that an arrival may join
	began   map[int]time.Time   // call -> when it began
	waiting map[int][]*exchange // call in the air -> who waits for it
}

func (m *flightModel) arrive(t *rapid.T, b *bench) {
	token := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "token")
	b.air.refuse = rapid.SampledFrom([]host.Failure{0, 0, 0, host.NoHost}).Draw(t, "refuse")
	before := len(b.air.calls)
	x := b.arrive(token)
	call, joins := m.latest[token]
	if joins {
		age := b.now.Sub(m.began[call])
		joins = age >= 0 && age <= 2*time.Second+staleMargin
	}
	switch {
	case joins:
		if len(b.air.calls) != before {
			t.Fatalf("a second call for %q", token)
		}
	case b.air.refuse != 0:
		if x.verdict != pipeline.Denied || x.run.Denial().Reason != denial.IntrospectionNoHost {
			t.Fatalf("verdict %v for %v", x.verdict, x.run.Denial().Reason)
		}
		return
	default:
		if len(b.air.calls) != before+1 {
			t.Fatalf("%d calls for a new flight of %q", len(b.air.calls)-before, token)
		}
		call = before
		m.latest[token], m.began[call] = call, b.now
	}
	m.waiting[call] = append(m.waiting[call], x)
}

func (m *flightModel) land(t *rapid.T, b *bench) {
	var flying []int
	for call := range b.air.calls {
		if _, ok := m.waiting[call]; ok {
			flying = append(flying, call)
		}
	}
	if len(flying) == 0 {
		t.Skip("nothing in the air")
	}
	call := rapid.SampledFrom(flying).Draw(t, "call")
	subject := fmt.Sprint("call ", call)
	good := rapid.Bool().Draw(t, "good")
	if good {
		b.land(call, b.active(subject))
	} else {
		b.land(call, host.Answer{Failure: host.TimedOut})
	}
	for _, x := range m.waiting[call] {
		switch {
		case x.woken != 1:
			t.Fatalf("woken %d times", x.woken)
		case good && (x.verdict != pipeline.Admitted || x.Token.Subject != subject):
			t.Fatalf("verdict %v with %+v, want %s", x.verdict, x.Token, subject)
		case !good && (x.verdict != pipeline.Denied || x.run.Denial().Reason != denial.IntrospectionTimeout):
			t.Fatalf("verdict %v for %v, want a timeout", x.verdict, x.run.Denial().Reason)
		}
	}
	delete(m.waiting, call)
	for token, latest := range m.latest {
		if latest == call {
			delete(m.latest, token)
		}
	}
}

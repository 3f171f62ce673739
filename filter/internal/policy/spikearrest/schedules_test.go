package spikearrest

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline/pipelinetest"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

// worker is one of the VMs of a schedule. fresh tells that its last look at a
// bucket was judged by a second reading of the clock.
type worker struct {
	host.Store
	step  pipeline.Step
	fresh bool
	busy  bool
}

func (w *worker) Get(key string) ([]byte, uint32, error) {
	w.fresh = false
	return w.Store.Get(key)
}

// message is one that was admitted: when, by the clock that judged it, and what it
// cost.
type message struct{ reading, weight int64 }

// schedule is one history of several VMs under one clock.
type schedule struct {
	random   *rand.Rand
	options  Options
	now, lag int64
	slots    []int64
	workers  [8]*worker
	depth    int // of workers inside of another's compare-and-swap
	callers  int

	stretch  map[string][]message // since the clock was set back last
	admitted int
	refused  int
	raced    int
}

// limitsOf are all limits, the first one first.
func limitsOf(o *Options) []Limit { return append([]Limit{{o.Rate, o.Burst}}, o.Further...) }

const schedulesBuckets, schedulesEntries = 2, 3

func newSchedule(seed uint64) *schedule {
	r := rand.New(rand.NewPCG(seed, 16))
	s := &schedule{random: r, now: newClock().now.UnixNano(), callers: 1 + r.IntN(9), stretch: map[string][]message{}}
	limit := func() Limit {
		return Limit{Rate{messages: 1 + r.IntN(2000), period: []time.Duration{time.Second, time.Minute}[r.IntN(2)]}, 1 + r.IntN(6)}
	}
	first := limit()
	s.options = Options{ID: "schedule", Rate: first.Rate, Burst: first.Burst, Weight: 1 + r.IntN(4)}
	for range r.IntN(MaxLimits) {
		s.options.Further = append(s.options.Further, limit())
	}
	if r.IntN(2) == 0 {
		s.options.WeightHeader = "x-weight"
	}
	if r.IntN(4) > 0 {
		s.options.Per = Per{Kind: ClientIP, IPv6Prefix: 64}
	}
	for _, l := range limitsOf(&s.options) {
		s.slots = append(s.slots, newLimit(l.Rate, l.Burst).slot)
	}
	s.lag = []int64{0, s.slots[0], int64(time.Minute)}[r.IntN(3)]
	store := memstore.New(func(op memstore.Operation, _ string) error {
		if op == memstore.Set && s.depth < 3 && r.IntN(3) == 0 {
			s.raced++
			s.send() // another VM, between this one's read and its write
		}
		return nil
	})
	for i := range s.workers {
		w := &worker{Store: store}
		w.step = New(s.options, w, func() int64 { w.fresh = true; return s.now })
		crowd(w)
		s.workers[i] = w
	}
	return s
}

// crowd gives the worker's step a table so small that callers crowd each other
// out of it.
func crowd(w *worker) {
	layout := sharedtable.Layout{Name: "small", Buckets: schedulesBuckets, Entries: schedulesEntries, EntrySize: entrySize}
	switch s := w.step.(type) {
	case *step:
		if s.callers.per.Kind != All {
			s.table = sharedtable.New(w, layout)
		}
	case *several:
		if s.callers.per.Kind != All {
			layout.EntrySize = tatSize * (1 + len(s.rules))
			s.table = sharedtable.New(w, layout)
		}
	}
}

func (s *schedule) send() {
	w := s.workers[s.random.IntN(len(s.workers))]
	for w.busy { // a VM is one thread
		w = s.workers[s.random.IntN(len(s.workers))]
	}
	s.depth++
	w.busy, w.fresh = true, false // it may judge by what it remembers, without a Get
	defer func() { s.depth--; w.busy = false }()
	reading, weight := s.now-s.random.Int64N(s.lag+1), int64(s.options.Weight)
	who := "192.0.2." + strconv.Itoa(1+s.random.IntN(s.callers))
	x := &pipeline.Exchange{Now: reading, Client: pipelinetest.From(who)}
	if s.options.WeightHeader != "" {
		weight = 1
		if s.random.IntN(2) == 0 {
			weight = 1 + s.random.Int64N(int64(s.options.Weight))
			x.Headers = []host.Header{{Name: s.options.WeightHeader, Value: strconv.FormatInt(weight, 10)}}
		}
	}
	if !w.step.Apply(x).Continues() {
		s.refused++
		return
	}
	if w.fresh {
		reading = s.now
	}
	if s.options.Per.Kind == All {
		who = "all"
	}
	s.stretch[who] = append(s.stretch[who], message{reading, weight})
	s.admitted++
}

// check holds every caller to the bound of every limit, between any two readings
// of what was admitted: what all but the dearest cost is at most burst - 1 and
// what the time has freed.
func (s *schedule) check(t *testing.T) {
	t.Helper()
	for who, messages := range s.stretch {
		for i, l := range limitsOf(&s.options) {
			for _, from := range messages {
				for _, to := range messages {
					var cost, dearest int64
					for _, m := range messages {
						if from.reading <= m.reading && m.reading <= to.reading {
							cost, dearest = cost+m.weight, max(dearest, m.weight)
						}
					}
					if most := int64(l.Burst) - 1 + (to.reading-from.reading)/s.slots[i]; cost-dearest > most && cost > 0 {
						t.Fatalf("%s: limit %d: messages that cost %d, the dearest %d, within %v: all but one may cost %d (%+v)",
							who, i, cost, dearest, time.Duration(to.reading-from.reading), most, s.options)
					}
				}
			}
		}
	}
	clear(s.stretch)
}

// TestSpikeSchedules: 8 VMs whose compare-and-swaps run into each other, whose
// readings are old, under a clock that is set back and ahead, with up to four
// limits, weights by header and more callers than entries. No schedule passes the
// proven bound, in any stretch between two steps back of the clock.
func TestSpikeSchedules(t *testing.T) {
	const schedules, seed = 12_000, 20_261_129
	var admitted, refused, raced, several, stepsBack int
	for n := range uint64(schedules) {
		s := newSchedule(seed + n)
		for range 60 {
			slot := s.slots[s.random.IntN(len(s.slots))]
			step := []int64{0, 0, 0, 0, 1, slot / 3, slot - 1, slot, 5 * slot, int64(time.Hour), -1, -slot, -int64(time.Minute)}[s.random.IntN(13)]
			if step < 0 {
				s.check(t)
				stepsBack++
			}
			s.now += step
			s.send()
		}
		s.check(t)
		admitted, refused, raced = admitted+s.admitted, refused+s.refused, raced+s.raced
		if len(s.slots) > 1 {
			several++
		}
	}
	t.Logf("%d schedules of 8 VMs, %d of them with several limits: %d messages admitted, %d refused, %d compare-and-swaps run into, %d steps back of the clock; none above the bound",
		schedules, several, admitted, refused, raced, stepsBack)
	if min(admitted, refused, raced, several, stepsBack) < schedules/4 {
		t.Error("these schedules say little")
	}
}

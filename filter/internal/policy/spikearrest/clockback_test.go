package spikearrest

import (
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline/pipelinetest"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

// clocked is a step that reads this clock.
func clocked(o Options, c *clock) *step {
	return New(o, memstore.New(nil), func() int64 { return c.now.UnixNano() }).(*step)
}

func (c *clock) message(s *step, who string) (admitted bool) {
	return s.Apply(&pipeline.Exchange{Now: c.now.UnixNano(), Client: pipelinetest.From(who)}).Continues()
}

// However the clock is set, a caller that had just spent its burst waits no
// longer than what one message costs.
func TestClockBack(t *testing.T) {
	limits := []struct {
		rate          string
		burst, weight int
	}{{"100ps", 10, 1}, {"1ps", 1, 1}, {"30pm", 1, 1}, {"10pm", 3, 5}, {"1000000ps", 100, 1}}
	for _, tt := range []struct {
		name  string
		steps []time.Duration
	}{
		{"not at all", []time.Duration{0}},
		{"1ms back", []time.Duration{-time.Millisecond}},
		{"500ms back", []time.Duration{-500 * time.Millisecond}},
		{"2s back", []time.Duration{-2 * time.Second}},
		{"30s back", []time.Duration{-30 * time.Second}},
		{"59s back", []time.Duration{-59 * time.Second}},
		{"60s back", []time.Duration{-time.Minute}},
		{"61s back", []time.Duration{-61 * time.Second}},
		{"1h back", []time.Duration{-time.Hour}},
		{"a year back", []time.Duration{-365 * 24 * time.Hour}},
		{"twice back", []time.Duration{-time.Second, -time.Second}},
		{"1h forward", []time.Duration{time.Hour}},
		{"1h forward and back", []time.Duration{time.Hour, -time.Hour}},
		{"1h back and forward", []time.Duration{-time.Hour, time.Hour}},
	} {
		for _, per := range []string{"", "client_ip"} {
			for _, l := range limits {
				t.Run(tt.name+", "+l.rate+" per "+per, func(t *testing.T) {
					o := options(t, per)
					o.Rate, o.Burst, o.Weight = mustRate(t, l.rate), l.burst, l.weight
					c := newClock()
					s := clocked(o, c)
					for _, d := range tt.steps {
						for c.message(s, "192.0.2.1") { // the whole burst
						}
						c.advance(d)
					}
					slots := 0
					for ; !c.message(s, "192.0.2.1") && slots <= o.Weight; slots++ {
						c.advance(time.Duration(s.limit.slot))
					}
					if slots > o.Weight {
						t.Errorf("refused for %d slots, want no more than the %d that a message costs", slots, o.Weight)
					}
				})
			}
		}
	}
}

// Callers who come after the clock was set back are not crowded into what little
// room those leave who came before: each is refused once at most.
func TestClockBackLeavesRoomForNewcomers(t *testing.T) {
	o := options(t, "client_ip")
	c := newClock()
	s := clocked(o, c)
	shrink(s, s.callers.store, 1, EntriesPerBucket)
	for i := range EntriesPerBucket {
		if !c.message(s, "192.0.2."+strconv.Itoa(i)) {
			t.Fatalf("caller %d was refused", i)
		}
	}
	c.advance(-time.Hour)
	refused := 0
	for i := range EntriesPerBucket {
		if !c.message(s, "198.51.100."+strconv.Itoa(i)) {
			refused++
		}
	}
	c.advance(time.Duration(s.limit.slot))
	for i := range EntriesPerBucket {
		if !c.message(s, "198.51.100."+strconv.Itoa(i)) {
			t.Errorf("caller %d is refused a slot later", i)
		}
	}
	t.Logf("%d of %d newcomers were refused once", refused, EntriesPerBucket)
}

// A reading that is only old, as that of a worker that was held up, forgives
// nothing: the clock is read again, and was not set back.
func TestClockBackAnOldReadingForgivesNothing(t *testing.T) {
	for _, per := range []string{"", "client_ip"} {
		for _, lag := range []time.Duration{time.Millisecond, time.Second, time.Minute, time.Hour} {
			o := options(t, per)
			o.Burst = 5
			c := newClock()
			s := clocked(o, c)
			for c.message(s, "192.0.2.1") {
			}
			x := &pipeline.Exchange{Now: c.now.Add(-lag).UnixNano(), Client: pipelinetest.From("192.0.2.1")}
			for range 10 {
				if s.Apply(x).Continues() {
					t.Errorf("per %q: a reading that is %v old was forgiven something", per, lag)
				}
			}
			c.advance(time.Duration(s.limit.slot))
			if !c.message(s, "192.0.2.1") || c.message(s, "192.0.2.1") {
				t.Errorf("per %q: a slot after an old reading of %v not exactly one message passes", per, lag)
			}
		}
	}
}

// Whatever the clock does, the bound holds in each stretch between two steps
// back, and no refusal is for longer than what a message costs.
func TestClockBackNoCallerPassesTheBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := drawOptions(t, 6)
		c := newClock()
		store := memstore.New(nil)
		buckets, entries := rapid.Uint32Range(1, 2).Draw(t, "buckets"), rapid.IntRange(1, 3).Draw(t, "entries")
		read := func() int64 { return c.now.UnixNano() }
		workers := [2]*step{shrink(New(o, store, read), store, buckets, entries), shrink(New(o, store, read), store, buckets, entries)}
		slot := workers[0].limit.slot
		longest := max(1, (o.Weight*int(slot)+1e9-1)/1e9)
		callers := rapid.IntRange(1, 8).Draw(t, "callers")
		admitted := map[string][]int64{}
		var all []int64
		check := func() {
			for who, readings := range admitted {
				wantWithin(t, who, readings, workers[0].limit, o, 1)
			}
			wantWithin(t, "all", all, workers[0].limit, o, int64(buckets)*int64(entries))
			clear(admitted)
			all = nil
		}
		for range rapid.IntRange(1, 200).Draw(t, "length") {
			d := rapid.SampledFrom([]int64{0, 0, 0, 0, 1, slot / 3, slot, 5 * slot, int64(time.Hour),
				-1, -slot, -int64(time.Second), -int64(30 * time.Second), -int64(61 * time.Second), -int64(time.Hour)}).Draw(t, "step")
			if d < 0 {
				check()
			}
			c.advance(time.Duration(d))
			who := "192.0.2." + strconv.Itoa(rapid.IntRange(1, callers).Draw(t, "caller"))
			outcome := workers[rapid.IntRange(0, 1).Draw(t, "worker")].Apply(&pipeline.Exchange{Now: read(), Client: pipelinetest.From(who)})
			if outcome.Continues() {
				admitted[who] = append(admitted[who], read())
				all = append(all, read())
			} else if denial, _ := outcome.Denial(); denial.RetryAfterSeconds > longest {
				t.Fatalf("Retry-After %d, want at most %d", denial.RetryAfterSeconds, longest)
			}
		}
		check()
	})
}

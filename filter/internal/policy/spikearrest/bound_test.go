package spikearrest

import (
	"bytes"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline/pipelinetest"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

// bound is the package's promise for messages whose readings lie within span.
func bound(l limit, burst int, weight, span int64) int64 {
	return 1 + (int64(burst)-1+span/l.slot)/weight
}

// wantWithin checks the bound, times factor, in every span between two of the
// readings of admitted messages.
func wantWithin(t *rapid.T, who string, readings []int64, l limit, o Options, factor int64) {
	t.Helper()
	slices.Sort(readings)
	for first := range readings {
		for last := first; last < len(readings); last++ {
			n, span := int64(last-first+1), readings[last]-readings[first]
			if most := factor * bound(l, o.Burst, int64(o.Weight), span); n > most {
				t.Fatalf("%s: %d admitted within %v, bound %d", who, n, time.Duration(span), most)
			}
		}
	}
}

func drawOptions(t *rapid.T, maxBurst int) Options {
	return Options{
		ID: "property",
		Rate: Rate{
			messages: rapid.IntRange(1, 2000).Draw(t, "messages"),
			period:   rapid.SampledFrom([]time.Duration{time.Second, time.Minute}).Draw(t, "period"),
		},
		Burst:  rapid.IntRange(1, maxBurst).Draw(t, "burst"),
		Per:    Per{Kind: ClientIP, IPv6Prefix: 64},
		Weight: rapid.IntRange(1, 4).Draw(t, "weight"),
	}
}

// shrink gives a step a table so small that callers crowd each other out.
func shrink(s pipeline.Step, store host.Store, buckets uint32, entries int) *step {
	small := s.(*step)
	small.table = sharedtable.New(store, sharedtable.Layout{Name: "small", Buckets: buckets, Entries: entries, EntrySize: entrySize})
	return small
}

// Whatever is sent, by however many callers that crowd whatever little room,
// through workers whose readings are old, or with buckets overwritten in the host:
// no caller is admitted more than the bound, nor are all of them together more
// than the bound times the entries there are.
func TestSpikeSharedNoCallerPassesTheBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := drawOptions(t, 6)
		store := memstore.New(nil)
		buckets, entries := rapid.Uint32Range(1, 2).Draw(t, "buckets"), rapid.IntRange(1, 3).Draw(t, "entries")
		now, readAgain := newClock().now.UnixNano(), false
		clock := func() int64 { readAgain = true; return now }
		workers := [2]*step{shrink(New(o, store, clock), store, buckets, entries), shrink(New(o, store, clock), store, buckets, entries)}
		slot := workers[0].limit.slot
		callers := rapid.IntRange(1, 10).Draw(t, "callers")
		damage := rapid.Bool().Draw(t, "damage")
		maxLag := int64(0)
		if !damage {
			maxLag = rapid.SampledFrom([]int64{0, slot, int64(time.Minute)}).Draw(t, "lag")
		}
		admitted := map[string][]int64{}
		var all []int64
		for range rapid.IntRange(1, 150).Draw(t, "length") {
			now += rapid.SampledFrom([]int64{0, 0, 0, 1, slot / 3, slot - 1, slot, 5 * slot}).Draw(t, "step")
			reading := now - rapid.Int64Range(0, maxLag).Draw(t, "lagging")
			who := "192.0.2." + strconv.Itoa(rapid.IntRange(1, callers).Draw(t, "caller"))
			readAgain = false
			if workers[rapid.IntRange(0, 1).Draw(t, "worker")].Apply(&pipeline.Exchange{Now: reading, Client: pipelinetest.From(who)}).Continues() {
				if readAgain {
					reading = now
				}
				admitted[who] = append(admitted[who], reading)
				all = append(all, reading)
			}
			if damage && rapid.IntRange(0, 9).Draw(t, "damaged") == 0 {
				for _, key := range store.Keys() {
					if key != "sallyport/1/seed/0" {
						if err := store.Set(key, []byte("junk"), 0); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
		}
		for who, readings := range admitted {
			wantWithin(t, who, readings, workers[0].limit, o, 1)
		}
		wantWithin(t, "all", all, workers[0].limit, o, int64(buckets)*int64(entries))
	})
}

// With room for all, every caller gets exactly what a bucket of credit of its
// own would give.
func TestCallersWithRoomGetTheirDue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := drawOptions(t, 20)
		store := memstore.New(nil)
		const callers = 5
		s := shrink(made(o, store), store, 1, callers)
		slot := s.limit.slot
		full := int64(o.Burst) * slot
		type account struct{ credit, since int64 } // credit in nanoseconds; it may be owed
		accounts := map[string]account{}
		now := newClock().now.UnixNano()
		for range rapid.IntRange(1, 200).Draw(t, "length") {
			now += rapid.Int64Range(0, 2*slot).Draw(t, "step")
			who := "192.0.2." + strconv.Itoa(rapid.IntRange(1, callers).Draw(t, "caller"))
			a, ok := accounts[who]
			if !ok {
				a = account{full, now}
			}
			a = account{min(full, a.credit+now-a.since), now}
			want := a.credit >= slot
			if want {
				a.credit -= int64(o.Weight) * slot
			}
			accounts[who] = a
			outcome := s.Apply(&pipeline.Exchange{Now: now, Client: pipelinetest.From(who)})
			if outcome.Continues() != want {
				t.Fatalf("allowed %v, want %v", !want, want)
			}
			if d, denied := outcome.Denial(); denied {
				if due := max(1, int((slot-a.credit+1e9-1)/1e9)); d.RetryAfterSeconds != due {
					t.Fatalf("Retry-After %d, want %d", d.RetryAfterSeconds, due)
				}
			}
		}
	})
}

// yielding is a store that lets others in before each write.
func yielding() *memstore.Store {
	return memstore.New(func(op memstore.Operation, _ string) error {
		if op == memstore.Set {
			runtime.Gosched()
		}
		return nil
	})
}

// All workers take all they can at each moment: together they get the bound,
// not one message more or less.
func TestSpikeSharedWorkersGetTheBoundExactly(t *testing.T) {
	const workers, moments, burst = 8, 40, 20
	for _, per := range []string{"", "client_ip"} {
		o := options(t, per)
		o.Rate, o.Burst = mustRate(t, "200ps"), burst
		store := yielding()
		clock := newClock()
		slot := time.Duration(newLimit(o.Rate, o.Burst).slot)
		var admitted, unavailable atomic.Int64
		for moment := range moments {
			if moment > 0 {
				clock.advance(7*slot + slot/3)
			}
			now := clock.now
			var all sync.WaitGroup
			for range workers {
				all.Go(func() {
					s := made(o, store)
					for {
						d, denied := s.Apply(&pipeline.Exchange{Now: now.UnixNano(), Client: pipelinetest.From("192.0.2.1")}).Denial()
						switch {
						case !denied:
							admitted.Add(1)
						case d.Reason == denial.SpikeArrestExceeded:
							return
						default:
							unavailable.Add(1)
						}
					}
				})
			}
			all.Wait()
		}
		elapsed := clock.now.Sub(newClock().now)
		want := int64(burst) + int64(elapsed/slot)
		if got := admitted.Load(); got != want {
			t.Errorf("per %q: %d admitted in %v, want %d", per, got, elapsed, want)
		}
		t.Logf("per %q: burst %d, slot %v, elapsed %v: %d admitted by %d workers; %d times contended beyond %d attempts",
			per, burst, slot, elapsed, admitted.Load(), workers, unavailable.Load(), sharedtable.MaxAttempts)
	}
}

// Workers whose clocks run freely stay within the bound.
func TestSpikeSharedFreeRunningWorkersStayWithinTheBound(t *testing.T) {
	const workers, each = 8, 2000
	o := options(t, "")
	o.Rate, o.Burst = mustRate(t, "1000ps"), 50
	store := yielding()
	start := newClock().now
	var ticks, admitted atomic.Int64
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			s := New(o, store, func() int64 { return start.Add(time.Duration(ticks.Add(1)) * 100 * time.Microsecond).UnixNano() })
			for range each {
				now := start.Add(time.Duration(ticks.Add(1)) * 100 * time.Microsecond)
				runtime.Gosched() // by the time it is used the reading is old
				if s.Apply(&pipeline.Exchange{Now: now.UnixNano()}).Continues() {
					admitted.Add(1)
				}
			}
		})
	}
	all.Wait()
	l := newLimit(o.Rate, o.Burst)
	span := (ticks.Load() - 1) * int64(100*time.Microsecond)
	most := bound(l, o.Burst, 1, span)
	if got := admitted.Load(); got > most || got < most/2 {
		t.Errorf("%d admitted in %v, want at most %d and not much less", got, time.Duration(span), most)
	}
	t.Logf("%d of %d admitted in %v, bound %d", admitted.Load(), workers*each, time.Duration(span), most)
}

// Whatever lies in a bucket, a message gets a verdict, and a patient caller passes.
func FuzzBucket(f *testing.F) {
	f.Add([]byte{}, false, int64(1))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff"), true, int64(1_800_000_000_000_000_000))
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"), true, int64(1_800_000_000_000_000_000))
	f.Add(bytes.Repeat([]byte{0xff}, 4*entrySize), true, int64(1_800_000_000_000_000_000))
	f.Add([]byte("SPT1\x00\x00\x00\x00"), false, int64(maxNow)-1)
	f.Fuzz(func(t *testing.T, content []byte, sealed bool, now int64) {
		o := Options{ID: "fuzz", Rate: Rate{messages: 1, period: time.Second}, Burst: 3, Per: Per{Kind: ClientIP, IPv6Prefix: 64}, Weight: 2}
		store := memstore.New(nil)
		s := shrink(made(o, store), store, 1, 4)
		if sealed {
			err := s.table.Update(0, func(b sharedtable.Bucket) bool {
				for i := range b.Len() {
					content = content[copy(b.Entry(i), content):]
				}
				return true
			})
			if err != nil {
				t.Fatal(err)
			}
		} else if err := store.Set("sallyport/1/small/0", content, 0); err != nil {
			t.Fatal(err)
		}
		x := &pipeline.Exchange{Now: now, Client: pipelinetest.From("192.0.2.1")}
		d, denied := s.Apply(x).Denial()
		if !s.limit.usable(now) {
			if !denied || d.Reason != denial.SpikeArrestUnavailable {
				t.Fatalf("denied %v for %v without a usable clock", denied, d.Reason)
			}
			return
		}
		if denied && d.Reason != denial.SpikeArrestExceeded {
			t.Fatalf("refused for %v", d.Reason)
		}
		x.Now = s.limit.furthest(now, s.weight)
		if s.limit.usable(x.Now) && !s.Apply(x).Continues() {
			t.Fatalf("a caller is locked out for more than %v", time.Duration(x.Now-now))
		}
	})
}

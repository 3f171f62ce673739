package concurrency

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

const start = int64(1_800_000_000_000_000_000)

// joined is Peers that only let time pass.
type joined struct {
	host.NoPeers
	step host.Background
}

func (j *joined) Join(b host.Background) { j.step = b }

// worker is a VM with its streams.
type worker struct {
	step    pipeline.Step
	peers   joined
	streams []*pipeline.Exchange // that were let in
}

func newWorker(store host.Store, o Options) *worker {
	w := &worker{}
	w.step = New(o, &host.Ports{Store: store, Peers: &w.peers, Random: rand.Uint64})
	return w
}

func newWorkers(n int, store host.Store, o Options) []*worker {
	workers := make([]*worker, n)
	for i := range workers {
		workers[i] = newWorker(store, o)
	}
	return workers
}

// come sends a request of an app, and reports for what it was refused.
func (w *worker) come(now int64, app string) (reason denial.Reason, refused bool) {
	x := &pipeline.Exchange{Now: now, Caller: pipeline.Caller{App: app}}
	d, refused := w.step.Apply(x).Denial()
	if !refused {
		w.streams = append(w.streams, x)
	}
	return d.Reason, refused
}

// end ends one of the worker's streams.
func (w *worker) end(i int) {
	w.streams[i].LeavePlaces()
	w.streams[i].LeavePlaces() // does nothing
	w.streams = slices.Delete(w.streams, i, i+1)
}

func (w *worker) wantIn(t *testing.T, now int64) {
	t.Helper()
	if reason, refused := w.come(now, ""); refused {
		t.Errorf("refused for %v, want let in", reason)
	}
}

func (w *worker) wantOut(t *testing.T, now int64, want denial.Reason) {
	t.Helper()
	if reason, refused := w.come(now, ""); !refused || reason != want {
		t.Errorf("refused %v for %v, want refused for %v", refused, reason, want)
	}
}

func TestPlacesAreSharedAndGivenBack(t *testing.T) {
	workers := newWorkers(3, memstore.New(nil), Options{ID: "a", Most: 4})
	a, b, c := workers[0], workers[1], workers[2]
	for _, w := range []*worker{a, a, b, c} {
		w.wantIn(t, start)
	}
	for _, w := range workers {
		w.wantOut(t, start, denial.ConcurrentCallsExceeded)
	}
	a.end(0)
	c.wantIn(t, start)
	b.wantOut(t, start, denial.ConcurrentCallsExceeded)
	for _, w := range workers {
		for len(w.streams) > 0 {
			w.end(0)
		}
	}
	for range 4 {
		b.wantIn(t, start)
	}
	a.wantOut(t, start, denial.ConcurrentCallsExceeded)
}

func TestDenial(t *testing.T) {
	w := newWorker(memstore.New(nil), Options{ID: "a", Most: 1, Report: true})
	x := &pipeline.Exchange{Now: start}
	w.step.Apply(x)
	told := denial.Limit{Name: "concurrent-api", Policy: `"concurrent-api";q=1;qu="concurrent-requests"`}
	if len(x.Allowances) != 1 || *x.Allowances[0].Limit != told || x.Allowances[0].Remaining != 0 {
		t.Errorf("allowances %+v", x.Allowances)
	}
	d, _ := w.step.Apply(x).Denial()
	want := denial.Denial{Reason: denial.ConcurrentCallsExceeded, RetryAfterSeconds: 1, Text: "ConcurrentRatelimit connection exceeded. Connection limit : 1", Limit: &told}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("denial (-want +got):\n%s", diff)
	}
}

func TestPerApp(t *testing.T) {
	w := newWorker(memstore.New(nil), Options{ID: "a", Most: 1, Per: App})
	for _, app := range []string{"shop", "portal", ""} {
		if _, refused := w.come(start, app); refused {
			t.Errorf("the first of %q is refused", app)
		}
		if _, refused := w.come(start, app); !refused {
			t.Errorf("the second of %q is let in", app)
		}
	}
}

// A lost worker's places are free when its lease is over, and not before; that of
// one that lives is renewed, however long its streams are.
func TestLease(t *testing.T) {
	workers := newWorkers(2, memstore.New(nil), Options{ID: "a", Most: 2})
	lost, lives := workers[0], workers[1]
	lost.wantIn(t, start)
	lives.wantIn(t, start)
	now := start
	for ; now < start+int64(Lease); now += int64(250 * time.Millisecond) {
		lives.peers.step.Tick(now)
		lives.wantOut(t, now, denial.ConcurrentCallsExceeded)
	}
	lives.wantIn(t, now)
	for range 1000 {
		now += int64(250 * time.Millisecond)
		lives.peers.step.Tick(now)
		lives.wantOut(t, now, denial.ConcurrentCallsExceeded)
	}
}

// The stalled worker's streams are counted again once it goes on, and end as usual.
func TestAWorkerThatWasHeldUp(t *testing.T) {
	workers := newWorkers(2, memstore.New(nil), Options{ID: "a", Most: 1})
	held, other := workers[0], workers[1]
	held.wantIn(t, start)
	now := start + int64(Lease)
	other.wantIn(t, now) // the stated overshoot
	held.peers.step.Tick(now)
	other.end(0)
	other.wantOut(t, now, denial.ConcurrentCallsExceeded)
	held.end(0)
	other.wantIn(t, now)
}

func TestClockSetBack(t *testing.T) {
	workers := newWorkers(2, memstore.New(nil), Options{ID: "a", Most: 1})
	workers[0].wantIn(t, start)
	now := start - int64(time.Hour)
	workers[1].wantOut(t, now, denial.ConcurrentCallsExceeded) // the lease begins again
	workers[1].wantOut(t, now+int64(Lease)-1, denial.ConcurrentCallsExceeded)
	workers[1].wantIn(t, now+int64(Lease))
}

// After damage nobody is let in until all who have places have said so again.
func TestDamage(t *testing.T) {
	for _, junk := range []string{"", "junk", string(make([]byte, 8+fewHolders*entrySize))} {
		store := memstore.New(nil)
		workers := newWorkers(2, store, Options{ID: "a", Most: 2})
		workers[0].wantIn(t, start)
		if err := store.Set(store.Keys()[0], []byte(junk), 0); err != nil {
			t.Fatal(err)
		}
		workers[1].wantOut(t, start, denial.ConcurrentCallsExceeded)
		now := start + int64(renewEvery+250*time.Millisecond)
		workers[0].peers.step.Tick(now)
		workers[1].wantOut(t, now, denial.ConcurrentCallsExceeded)
		now = start + int64(settleTime)
		workers[1].wantIn(t, now)
		workers[1].wantOut(t, now, denial.ConcurrentCallsExceeded)
	}
}

func TestManyWorkers(t *testing.T) {
	store := memstore.New(nil)
	workers := newWorkers(manyHolders+1, store, Options{ID: "a", Most: MaxCalls})
	for i, w := range workers[:manyHolders] {
		w.wantIn(t, start)
		if value, _, _ := store.Get(store.Keys()[0]); (len(value) > 200) != (i >= fewHolders) {
			t.Fatalf("%d holders take %d bytes", i+1, len(value))
		}
	}
	workers[manyHolders].wantOut(t, start, denial.ConcurrentCallsUnavailable)
	for _, w := range workers[fewHolders-1 : manyHolders] {
		w.end(0)
	}
	workers[manyHolders].wantIn(t, start)
	if value, _, _ := store.Get(store.Keys()[0]); len(value) > 200 {
		t.Errorf("8 holders still take %d bytes", len(value))
	}
}

// What a worker could not say when a stream ended, it says at its next tick.
func TestAReleaseThatFails(t *testing.T) {
	fails := false
	store := memstore.New(func(memstore.Operation, string) error {
		if fails {
			return strconv.ErrRange
		}
		return nil
	})
	workers := newWorkers(2, store, Options{ID: "a", Most: 1})
	a, b := workers[0], workers[1]
	a.wantIn(t, start)
	fails = true
	b.wantOut(t, start, denial.ConcurrentCallsUnavailable)
	a.end(0)
	fails = false
	b.wantOut(t, start, denial.ConcurrentCallsExceeded)
	if !a.peers.step.Busy() {
		t.Fatal("nobody would tick")
	}
	a.peers.step.Tick(start)
	b.wantIn(t, start)
	if a.peers.step.Busy() {
		t.Error("still busy")
	}
}

// A changed limit counts what is under way.
func TestAChangedLimit(t *testing.T) {
	store := memstore.New(nil)
	old := newWorker(store, Options{ID: "a", Most: 3})
	for range 3 {
		old.wantIn(t, start)
	}
	changed := newWorker(store, Options{ID: "a", Most: 2})
	changed.wantOut(t, start, denial.ConcurrentCallsExceeded)
	old.end(0)
	changed.wantOut(t, start, denial.ConcurrentCallsExceeded)
	old.end(0)
	changed.wantIn(t, start)
}

func TestOutOfBoundsRefuse(t *testing.T) {
	for _, most := range []int{0, -1, MaxCalls + 1} {
		newWorker(memstore.New(nil), Options{Most: most}).wantOut(t, start, denial.ConcurrentCallsUnavailable)
	}
	newWorker(memstore.New(nil), Options{Most: 1}).wantOut(t, 0, denial.ConcurrentCallsUnavailable)
}

func TestHostcalls(t *testing.T) {
	store := memstore.New(nil)
	w := newWorker(store, Options{ID: "a", Most: 1})
	count := func(what string, wantGets, wantSets int, do func()) {
		gets, sets := store.Calls()
		do()
		g, s := store.Calls()
		if g-gets != wantGets || s-sets != wantSets {
			t.Errorf("%s: %d gets and %d sets, want %d and %d", what, g-gets, s-sets, wantGets, wantSets)
		}
	}
	count("in", 1, 1, func() { w.wantIn(t, start) })
	count("refused", 1, 0, func() { w.wantOut(t, start, denial.ConcurrentCallsExceeded) })
	count("a tick", 0, 0, func() { w.peers.step.Tick(start + int64(renewEvery) - 1) })
	count("a renewal", 1, 1, func() { w.peers.step.Tick(start + int64(renewEvery)) })
	count("its end", 1, 1, func() { w.end(0) })
}

// TestConcurrentSchedules: 8 workers whose compare-and-swaps run into each other,
// that are lost and come again, under a clock that only goes on: never more than
// the limit are under way at workers that keep their lease, nobody is refused
// while there is room, and in the end all places are free.
func TestConcurrentSchedules(t *testing.T) {
	const schedules = 3_000
	var in, out, raced, lost int
	for n := range uint64(schedules) {
		r := rand.New(rand.NewPCG(n, 16))
		most := 1 + r.IntN(12)
		o := Options{ID: "s", Most: most}
		var store *memstore.Store
		var workers []*worker
		busy := map[*worker]bool{}
		now := start
		var act func()
		depth := 0
		store = memstore.New(func(op memstore.Operation, _ string) error {
			if op == memstore.Set && depth < 3 && r.IntN(3) == 0 {
				raced++
				act()
			}
			return nil
		})
		lostUntil := map[*worker]int64{} // whose streams are no more, until their lease is over
		underway := func() (alive, dead int) {
			for _, w := range workers {
				alive += len(w.streams)
			}
			for w, until := range lostUntil {
				if until > now {
					dead += len(w.streams)
				}
			}
			return alive, dead
		}
		act = func() {
			w := workers[r.IntN(len(workers))]
			if busy[w] {
				return
			}
			busy[w] = true
			depth++
			defer func() { delete(busy, w); depth-- }()
			if len(w.streams) > 0 && r.IntN(2) == 0 {
				w.end(r.IntN(len(w.streams)))
				return
			}
			alone := depth == 1
			alive, dead := underway()
			before := raced
			if _, refused := w.come(now, ""); !refused {
				in++
			} else {
				out++
				if alone && before == raced && alive+dead < most {
					t.Fatalf("schedule %d: refused with %d and %d of %d under way", n, alive, dead, most)
				}
			}
			if alive, _ := underway(); alive > most {
				t.Fatalf("schedule %d: %d under way, limit %d", n, alive, most)
			}
		}
		workers = newWorkers(8, store, o)
		for range 80 {
			now += r.Int64N(int64(200 * time.Millisecond))
			for _, w := range workers {
				busy[w] = true // a VM is one thread
				w.peers.step.Tick(now)
				delete(busy, w)
			}
			act()
			if r.IntN(40) == 0 {
				i := r.IntN(len(workers))
				lostUntil[workers[i]] = now + int64(Lease) + 1
				workers[i] = newWorker(store, o)
				lost++
			}
		}
		depth = 3 // nobody runs into anybody any more
		for _, w := range workers {
			for len(w.streams) > 0 {
				w.end(0)
			}
			w.peers.step.Tick(now)
		}
		now += int64(Lease)
		for range most {
			workers[0].wantIn(t, now)
		}
		workers[1].wantOut(t, now, denial.ConcurrentCallsExceeded)
	}
	t.Logf("%d schedules of 8 workers: %d let in, %d refused, %d compare-and-swaps run into, %d workers lost; never above the limit", schedules, in, out, raced, lost)
	if min(in, out, raced, lost) < schedules/2 {
		t.Error("these schedules say little")
	}
}

// Whatever lies in the host, a request gets a verdict, and the limit can be used
// again within the longest lease.
func FuzzList(f *testing.F) {
	f.Add([]byte{}, false)
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x07\xff\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff"), true)
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x07\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"), true)
	f.Fuzz(func(t *testing.T, content []byte, sealed bool) {
		store := memstore.New(nil)
		w := newWorker(store, Options{ID: "a", Most: 1})
		r := w.step.(*step).room(&pipeline.Exchange{})
		if sealed {
			if err := r.many.Update(0, func(b sharedtable.Bucket) bool {
				for i := range b.Len() {
					content = content[copy(b.Entry(i), content):]
				}
				return true
			}); err != nil {
				t.Fatal(err)
			}
		} else if err := store.Set("sallyport/1/"+w.step.(*step).key("")+"/0", content, 0); err != nil {
			t.Fatal(err)
		}
		w.come(start, "")
		for len(w.streams) > 0 {
			w.end(0)
		}
		w.come(start, "")
		for len(w.streams) > 0 {
			w.end(0)
		}
		w.wantIn(t, start+2*int64(Lease+leaseSlack))
	})
}

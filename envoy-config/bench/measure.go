package bench

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/load"
	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/procstat"
	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/site"
)

// measureCases plays all cases in turn, again and again; every second round
// goes backward.
func (b *bench) measureCases(ctx context.Context) error {
	cases := b.cases
	for _, c := range cases {
		b.report.Cases = append(b.report.Cases, Figures{Name: c.Name, Group: c.Group, Base: c.Base})
	}
	if len(cases) == 0 {
		return nil
	}
	for i, c := range cases {
		if err := b.warm(ctx, c); err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
		if i%10 == 9 {
			b.say("warming up, %d of %d cases", i+1, len(cases))
		}
	}
	if err := b.measureIdle(); err != nil {
		return err
	}
	n := rounds
	if b.options.Short {
		n = 1
	}
	order := make([]int, len(cases))
	for i := range order {
		order[i] = i
	}
	foreign, err := b.watchOthers()
	if err != nil {
		return err
	}
	for k := range n {
		for _, i := range order {
			r, err := b.once(ctx, cases[i], k+1)
			if err != nil {
				return fmt.Errorf("%s: %w", cases[i].Name, err)
			}
			b.report.Cases[i].rounds = append(b.report.Cases[i].rounds, r)
		}
		slices.Reverse(order)
		if b.report.Foreign, err = foreign(); err != nil {
			return err
		}
		b.report.summarize()
		if whole := b.report.find(Whole); whole != nil {
			b.say("round %d of %d: the whole sequence adds %.1f µs", k+1, n, whole.Added.Median)
		} else {
			b.say("round %d of %d", k+1, n)
		}
	}
	return nil
}

// measureIdle measures what the ticks of all the filters cost.
func (b *bench) measureIdle() error {
	if b.envoys[mainEnvoy] == nil {
		return nil
	}
	before, err := procstat.CPU(b.envoys[mainEnvoy].Envoy.PID())
	if err != nil {
		return err
	}
	time.Sleep(roundTime)
	after, err := procstat.CPU(b.envoys[mainEnvoy].Envoy.PID())
	b.report.IdleShare = (after - before).Seconds() / roundTime.Seconds()
	return err
}

// watchOthers begins to watch what other processes of the machine use. foreign
// returns it as a share of a core since then.
func (b *bench) watchOthers() (foreign func() (float64, error), err error) {
	sample := func() (busy, own time.Duration, err error) {
		if busy, err = procstat.Busy(); err != nil {
			return 0, 0, err
		}
		own = procstat.Own()
		for _, g := range b.envoys {
			u, err := b.cpu(g.Envoy.PID())
			if err != nil {
				return 0, 0, err
			}
			own += u.envoy
		}
		u, err := b.cpu(os.Getpid())
		return busy, own + u.helpers, err
	}
	begin := time.Now()
	busy, own, err := sample()
	return func() (float64, error) {
		busyNow, ownNow, err := sample()
		if err != nil {
			return 0, err
		}
		others := (busyNow - busy) - (ownNow - own)
		return max(others.Seconds()/time.Since(begin).Seconds(), 0), nil
	}, err
}

// warm checks once that the case is what it says, fills what must be full, and
// plays a round that does not count.
func (b *bench) warm(ctx context.Context, c Case) error {
	if err := b.check(ctx, c); err != nil {
		return err
	}
	if c.Fill > 0 && !b.filled[c.Listener] {
		b.filled[c.Listener] = true
		b.say("%s: sending each token twice", c.Name)
		if err := b.fill(ctx, c); err != nil {
			return err
		}
	}
	// V8 makes its best code of a module, for all VMs, once it has been busy:
	// in a short run, with these two.
	if b.options.Short && c.Name != Whole && c.Name != EmptyGo {
		return nil
	}
	_, err := b.once(ctx, c, 0)
	return err
}

// check sends one request, twice where the first fills a bucket.
func (b *bench) check(ctx context.Context, c Case) (err error) {
	gateway := b.envoys[c.Envoy]
	r := c.Request
	if r.Many != nil {
		r = site.Request(site.Key(0), b.around.Caller.Token)
		r.Headers = append(r.Headers, load.Header{Name: site.CallerHeader, Value: "first"})
	}
	var status int
	var reason string
	for range 2 {
		if status, reason, err = gateway.Ask(ctx, c.Listener, r); err != nil {
			return err
		}
	}
	if status != c.Status || reason != c.Reason {
		return fmt.Errorf("the answer is %d %q, want %d %q", status, reason, c.Status, c.Reason)
	}
	return nil
}

// fill sends a request with each number, until each was sent twice: for the
// second one the answer to the first is found in the cache that all workers
// share, as it is for another worker's first.
func (b *bench) fill(ctx context.Context, c Case) error {
	run := b.load(c, 0)
	for range 2 {
		for at := 0; at < c.Fill; {
			run.Request.Many = &load.Many{From: at - 1, InTurn: true}
			result, err := load.Wrk(ctx, run)
			if err != nil {
				return err
			}
			at += result.Requests
		}
	}
	return nil
}

func (b *bench) load(c Case, seed int) load.Run {
	return load.Run{
		Address: b.envoys[c.Envoy].Address(c.Listener), Request: c.Request,
		Connections: c.Connections, Duration: roundTime, Seed: seed,
	}
}

// coldStep keeps the cold tokens of the rounds apart.
const coldStep = 200_000

// once plays a case for its share of a round.
func (b *bench) once(ctx context.Context, c Case, k int) (round, error) {
	run := b.load(c, k)
	if m := run.Request.Many; m != nil && m.InTurn {
		next := *m
		next.From += k * coldStep
		run.Request.Many = &next
	}
	envoy := b.envoys[c.Envoy].Envoy.PID()
	before, err := b.cpu(envoy)
	if err != nil {
		return round{}, err
	}
	result, err := load.Wrk(ctx, run)
	if err != nil {
		return round{}, err
	}
	after, err := b.cpu(envoy)
	if err != nil {
		return round{}, err
	}
	if want := refusals(c, result.Requests); odd(result.Refused-want, result.Requests) {
		return round{}, fmt.Errorf("%d of %d requests were refused, want %d", result.Refused, result.Requests, want)
	}
	each := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 / float64(result.Requests) }
	helpers := each(after.helpers - before.helpers)
	return round{
		cpu: each(after.envoy-before.envoy) + helpers, helpers: helpers,
		p50: micros(result.P50), p99: micros(result.P99),
		rate:      float64(result.Requests) / result.Took.Seconds(),
		generator: each(result.OwnCPU),
	}, nil
}

func refusals(c Case, requests int) int {
	if c.Status == http.StatusOK {
		return 0
	}
	return requests
}

// odd reports whether more requests had an unexpected answer than a limit of
// one a minute, or an answer that came too late, accounts for.
func odd(difference, requests int) bool {
	const few, share = 2, 0.001
	return math.Abs(float64(difference)) > max(few, share*float64(requests))
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

// used is CPU time since the processes began.
type used struct{ envoy, helpers time.Duration }

func (b *bench) cpu(envoy int) (u used, err error) {
	if u.envoy, err = procstat.CPU(envoy); err != nil {
		return u, err
	}
	for _, pid := range b.around.PIDs() {
		d, err := procstat.CPU(pid)
		if err != nil {
			return u, err
		}
		u.helpers += d
	}
	return u, nil
}

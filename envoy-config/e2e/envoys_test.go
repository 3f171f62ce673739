package e2e

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun/envoytest"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/envoydriver"
)

// shared is an Envoy that tests use one after the other. What it has compiled it
// keeps as long as one VM runs it, which is the keeper's: to compile the filter
// takes Envoy more than three seconds of CPU.
type shared struct {
	*envoyrun.Dynamic
	module string         // that it has compiled
	keeper map[string]any // a listener that nobody calls
	vms    uint64         // with the keeper alone
}

const keeperName = "keeper"

// idleEnvoys are the shared Envoys that no test uses, by their number of workers.
var idleEnvoys = struct {
	sync.Mutex
	byWorkers map[int][]*shared
}{byWorkers: map[int][]*shared{}}

// start gives the site an Envoy of its own.
func (s *site) start(o siteOptions) {
	s.t.Helper()
	envoy, err := envoydriver.StartEnvoy(s.t.Context(), envoydriver.Options{Envoy: envoytest.Find(s.t), Concurrency: o.Concurrency})
	if err != nil {
		s.t.Fatal(err)
	}
	s.envoy = envoy
	s.t.Cleanup(func() {
		if err := envoy.Stop(); err != nil {
			s.t.Error(err)
		}
	})
}

// share gives the site an Envoy until the test ends.
func (s *site) share(o siteOptions) {
	s.t.Helper()
	e := takeIdle(o)
	if e == nil {
		e = s.startShared(o)
	}
	s.envoy, s.listeners[keeperName] = e.Dynamic, e.keeper
	s.mark = e.Log().Len()
	s.t.Cleanup(func() {
		err := errors.New("a test failed on it")
		if !s.t.Failed() {
			err = e.clear()
		}
		if err != nil { // whatever is wrong with it is not the next one's trouble
			if err := e.Stop(); err != nil {
				s.t.Error(err)
			}
			return
		}
		idleEnvoys.Lock()
		defer idleEnvoys.Unlock()
		idleEnvoys.byWorkers[o.Concurrency] = append(idleEnvoys.byWorkers[o.Concurrency], e)
	})
}

func takeIdle(o siteOptions) *shared {
	idleEnvoys.Lock()
	defer idleEnvoys.Unlock()
	all := idleEnvoys.byWorkers[o.Concurrency]
	for i, e := range all {
		if e.module == o.Module {
			idleEnvoys.byWorkers[o.Concurrency] = append(all[:i:i], all[i+1:]...)
			return e
		}
	}
	return nil
}

func (s *site) startShared(o siteOptions) *shared {
	s.t.Helper()
	envoy, err := envoydriver.StartEnvoy(s.t.Context(), envoydriver.Options{Envoy: envoytest.Find(s.t), Concurrency: o.Concurrency})
	if err != nil {
		s.t.Fatal(err)
	}
	e := &shared{Dynamic: envoy, module: o.Module}
	e.keeper = s.listener(plan{name: keeperName, config: policies(s.t, "  []"), change: answerDirectly})
	ok, err := e.OfferListeners(s.t.Context(), []any{e.keeper}, 1)
	if err == nil && ok {
		e.vms, err = e.active(s.t.Context())
	}
	if err != nil || !ok {
		s.t.Fatalf("envoy takes the keeper: %v, %v", ok, errors.Join(err, e.Stop()))
	}
	return e
}

func (e *shared) active(ctx context.Context) (uint64, error) {
	const vms = "wasm.envoy.wasm.runtime.v8.active"
	now, err := e.Stats(ctx, "^"+strings.ReplaceAll(vms, ".", `\.`)+"$")
	return now.Number[vms], err
}

// clear takes away all that a test has put into the Envoy, and waits until its VMs
// and its counters are gone with it.
func (e *shared) clear() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if ok, err := e.OfferListeners(ctx, []any{e.keeper}, 0); err != nil || !ok {
		return errors.Join(errors.New("take the listeners away"), err)
	}
	if ok, err := e.OfferClusters(ctx, nil); err != nil || !ok {
		return errors.Join(errors.New("take the clusters away"), err)
	}
	if err := e.Drained(ctx); err != nil {
		return err
	}
	return e.Poll(ctx, func() (bool, error) {
		vms, err := e.active(ctx)
		if err != nil || vms > e.vms {
			return false, err
		}
		left, err := e.Stats(ctx, `^(http\.gw|cluster\.)`)
		return err == nil && len(left.Number) == 0, err
	})
}

// stopShared ends them all, after the last test.
func stopShared() error {
	idleEnvoys.Lock()
	defer idleEnvoys.Unlock()
	var errs []error
	for _, all := range idleEnvoys.byWorkers {
		for _, e := range all {
			errs = append(errs, e.Stop())
		}
	}
	return errors.Join(errs...)
}

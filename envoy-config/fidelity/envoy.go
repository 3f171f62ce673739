package fidelity

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/envoy-config/envoyrun"
)

const (
	// drainTimeout bounds the end of what was replaced; Envoy is told to take a second.
	drainTimeout = 20 * time.Second
	keeperName   = "keeper"
)

// envoy is one process that plays cases one after the other. Between them it keeps a VM of the scripted guest, so that
// its code, which Envoy shares between VMs of any vm_id, is compiled once.
type envoy struct {
	process *envoyrun.Process
	workers int
	dir     string
	keeper  object
	version int // of what was published last
}

func startEnvoy(ctx context.Context, binary string, workers int, keeper string) (*envoy, error) {
	dir, err := os.MkdirTemp("", "sallyport-fidelity-*")
	if err != nil {
		return nil, fmt.Errorf("make a folder for discovery files: %w", err)
	}
	kept := &Case{Name: keeperName}
	e := &envoy{workers: workers, dir: dir, keeper: listener(kept, Plugin{VMID: keeperName}, keeper)}
	if err := e.start(ctx, binary); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return e, nil
}

func (e *envoy) start(ctx context.Context, binary string) error {
	config, err := bootstrap(e.dir)
	if err != nil {
		return fmt.Errorf("encode the bootstrap: %w", err)
	}
	backend, err := cluster(backendName, refusing)
	if err != nil {
		return err
	}
	if err := errors.Join(envoyrun.Publish(e.dir, cdsFile, 0, []any{backend}), envoyrun.Publish(e.dir, ldsFile, 0, []any{})); err != nil {
		return err
	}
	e.process, err = envoyrun.Start(ctx, envoyrun.Options{
		Binary: binary, Config: config, Concurrency: e.workers,
		// A listener that was removed is gone after a second, and its VMs with it.
		Args: []string{"--drain-time-s", "1", "--drain-strategy", "immediate"},
	})
	if err != nil {
		return err
	}
	ok, err := e.offer(ctx, ldsFile, []any{e.keeper}, 1)
	if err == nil && !ok {
		err = errors.New("envoy does not take the scripted guest:" + envoyrun.Warnings(e.process.Log().Since(0)))
	}
	if err != nil {
		return errors.Join(err, e.process.Stop())
	}
	return nil
}

func (e *envoy) close() error { return errors.Join(e.process.Stop(), os.RemoveAll(e.dir)) }

var sources = map[string]string{ldsFile: "listener_manager.lds", cdsFile: "cluster_manager.cds"}

// offer publishes resources and reports whether Envoy took them. It returns when the workers have taken over so many
// new listeners.
func (e *envoy) offer(ctx context.Context, file string, resources []any, listeners int) (bool, error) {
	e.version++
	return e.process.Offer(ctx, envoyrun.Offer{
		Dir: e.dir, File: file, Version: e.version, Resources: resources, Subscription: sources[file], Listeners: listeners * e.workers,
	})
}

// drained waits until all that was replaced or removed has ended.
func (e *envoy) drained(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	return e.process.Poll(ctx, func() (bool, error) {
		now, err := e.process.Stats(ctx, `^listener_manager\.total_(listeners|filter_chains)_draining$`)
		for _, n := range now.Number {
			if n > 0 {
				return false, err
			}
		}
		return err == nil, err
	})
}

// quiet waits until a listener has taken so many requests in all, and has none but so many in the air.
func (e *envoy) quiet(ctx context.Context, listener string, total, active int) error {
	prefix := "http." + listener + ".downstream_rq_"
	filter := `^` + strings.ReplaceAll(prefix, ".", `\.`) + `(total|active)$`
	return e.process.Poll(ctx, func() (bool, error) {
		now, err := e.process.Stats(ctx, filter)
		return now.Number[prefix+"total"] >= uint64(total) && now.Number[prefix+"active"] <= uint64(active), err
	})
}

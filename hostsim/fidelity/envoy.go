package fidelity

import (
	"context"
	"errors"
	"strings"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
)

const keeperName = "keeper"

// envoy is one process that plays cases one after the other. Between them it keeps a VM of the scripted guest, so that
// its code, which Envoy shares between VMs of any vm_id, is compiled once.
type envoy struct {
	process *envoyrun.Dynamic
	workers int
	keeper  any
}

func startEnvoy(ctx context.Context, binary string, workers int, keeper string) (*envoy, error) {
	backend, err := cluster(backendName, refusing)
	if err != nil {
		return nil, err
	}
	process, err := envoyrun.StartDynamic(ctx, envoyrun.DynamicOptions{
		Options: envoyrun.Options{
			Binary: binary, Concurrency: workers,
			// A listener that was removed is gone after a second, and its VMs with it.
			Args: []string{"--drain-time-s", "1", "--drain-strategy", "immediate"},
		},
		Node: nodeID, Clusters: []any{backend},
	})
	if err != nil {
		return nil, err
	}
	kept := &Case{Name: keeperName}
	e := &envoy{process: process, workers: workers, keeper: listener(kept, Plugin{VMID: keeperName}, keeper)}
	ok, err := process.OfferListeners(ctx, []any{e.keeper}, workers)
	if err == nil && !ok {
		err = errors.New("envoy does not take the scripted guest:" + envoyrun.Warnings(process.Log().Since(0)))
	}
	if err != nil {
		return nil, errors.Join(err, process.Stop())
	}
	return e, nil
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

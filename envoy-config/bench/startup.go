package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/procstat"
	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/site"
	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/stats"
)

// Startup is what it takes from the start of an Envoy with one listener to its
// first answer, 200, in seconds: the module compiled, and two VMs configured.
type Startup struct {
	None      Start `json:"none"`
	Empty     Start `json:"empty"`
	Sallyport Start `json:"sallyport"`
}

// Start is what one Envoy took.
type Start struct {
	CPU  stats.Summary `json:"cpu"`
	Wall stats.Summary `json:"wall"`
}

const starts = 3

func (b *bench) measureStartup(ctx context.Context) error {
	if !b.wants(PartStartup) {
		return nil
	}
	b.say("from configuration to ready")
	n := starts
	if b.options.Short {
		n = 1
	}
	s := &Startup{}
	of := []struct {
		listener  string
		start     *Start
		cpu, wall []float64
	}{{listener: site.None, start: &s.None}, {listener: site.Floor, start: &s.Empty}, {listener: site.Whole, start: &s.Sallyport}}
	for range n {
		for i := range of {
			cpu, wall, err := b.startOnce(ctx, of[i].listener)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", PartStartup, of[i].listener, err)
			}
			of[i].cpu, of[i].wall = append(of[i].cpu, cpu.Seconds()), append(of[i].wall, wall.Seconds())
		}
	}
	for _, o := range of {
		*o.start = Start{CPU: stats.Summarize(o.cpu), Wall: stats.Summarize(o.wall)}
	}
	b.report.Startup = s
	return nil
}

func (b *bench) startOnce(ctx context.Context, listener string) (cpu, wall time.Duration, err error) {
	begin := time.Now()
	g, err := b.around.Start(ctx, site.Options{Envoy: b.options.Envoy, Modules: b.modules, Workers: 1, Listeners: []string{listener}})
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, g.Stop()) }()
	status, reason, err := g.Ask(ctx, listener, site.Request(site.Key(0), b.around.Caller.Token))
	wall = time.Since(begin)
	if err != nil {
		return 0, 0, err
	}
	if status != http.StatusOK {
		return 0, 0, fmt.Errorf("the first answer is %d %q", status, reason)
	}
	cpu, err = procstat.CPU(g.Envoy.PID())
	return cpu, wall, err
}

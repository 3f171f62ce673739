package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/load"
	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/site"
	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/stats"
)

// HalfLoad is how long callers wait, in microseconds, when requests come at
// half the rate that one worker can take with the whole sequence.
type HalfLoad struct {
	Rate    int           `json:"rate"` // requests a second
	NoneP50 stats.Summary `json:"none_p50"`
	NoneP99 stats.Summary `json:"none_p99"`
	P50     stats.Summary `json:"p50"`
	P99     stats.Summary `json:"p99"`
	Added   stats.Summary `json:"added_p99"` // differences within each round
}

const halfLoadTime = 2 * time.Second

func (b *bench) wants(part string) bool { return b.only.MatchString(part) }

func (b *bench) measureHalfLoad(ctx context.Context) error {
	if !b.wants(PartHalfLoad) {
		return nil
	}
	request := site.Request(site.Key(0), b.around.Caller.Token)
	rate, err := b.fullRate(ctx, request)
	if err != nil {
		return err
	}
	h := &HalfLoad{Rate: int(rate / 2)}
	b.say("latency at half load, %d requests a second", h.Rate)
	n := rounds
	if b.options.Short {
		n = 1
	}
	var noneP50, noneP99, p50, p99 []float64
	for range n {
		for _, to := range []struct {
			listener string
			p50, p99 *[]float64
		}{{site.None, &noneP50, &noneP99}, {site.Whole, &p50, &p99}} {
			l, err := load.Paced{
				Address: b.envoys[mainEnvoy].Address(to.listener), Request: request, Connections: usual, Rate: h.Rate, Duration: halfLoadTime,
			}.Send(ctx)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", PartHalfLoad, to.listener, err)
			}
			*to.p50, *to.p99 = append(*to.p50, l.P50), append(*to.p99, l.P99)
		}
	}
	h.NoneP50, h.NoneP99 = stats.Summarize(noneP50), stats.Summarize(noneP99)
	h.P50, h.P99 = stats.Summarize(p50), stats.Summarize(p99)
	h.Added = stats.Summarize(stats.Differences(p99, noneP99))
	b.report.HalfLoad = h
	return nil
}

// fullRate is how many requests a second one worker takes with the whole
// sequence: as measured, or else as a run of a second shows.
func (b *bench) fullRate(ctx context.Context, r load.Request) (float64, error) {
	if f := b.report.find(Whole); f != nil {
		return f.Rate.Median, nil
	}
	result, err := load.Wrk(ctx, load.Run{Address: b.envoys[mainEnvoy].Address(site.Whole), Request: r, Connections: usual, Duration: roundTime})
	if err != nil {
		return 0, fmt.Errorf("find the full rate: %w", err)
	}
	return float64(result.Requests) / result.Took.Seconds(), nil
}

package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/load"
	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/procstat"
	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/site"
)

const (
	memoryRequests = 5_000_000
	// memoryWarmth is the part of them after which memory must not grow.
	memoryWarmth      = 0.1
	memoryConnections = 64
	memoryThreads     = 1
	memorySegment     = 2 * time.Second
	shortMemory       = 4 * memorySegment
)

// Memory is what an Envoy with two workers has in RAM while requests come:
// three of four are let in, the fourth is refused.
type Memory struct {
	Requests int      `json:"requests"`
	Wanted   int      `json:"wanted"`
	Growth   float64  `json:"growth"` // after the first tenth, relative to the size then
	Samples  []Sample `json:"samples"`
}

// Sample is the memory after a number of requests.
type Sample struct {
	Requests int    `json:"requests"`
	Bytes    uint64 `json:"bytes"`
}

// measureMemory takes at most the time that is left.
func (b *bench) measureMemory(ctx context.Context) error {
	if !b.wants(PartMemory) {
		return nil
	}
	b.say("memory over %d requests", memoryRequests)
	end := b.start.Add(longest - reserve)
	if b.options.Short {
		end = time.Now().Add(shortMemory)
	}
	m := &Memory{Wanted: memoryRequests}
	good := site.Request(site.Key(0), b.around.Caller.Token)
	mix := []load.Request{
		good,
		site.Request("bench-key-of-nobody", b.around.Caller.Token),
		good,
		site.Request(site.Key(0), "garbage-"+b.around.Caller.Token),
	}
	g := b.envoys[aloneTwo]
	for i := 0; m.Requests < memoryRequests && time.Now().Before(end); i++ {
		run := load.Run{
			Address: g.Address(site.Whole), Request: mix[i%len(mix)], Connections: memoryConnections, Threads: memoryThreads,
			Duration: memorySegment,
		}
		if i%len(mix)%2 == 1 {
			run.Duration /= 2 // refusals
		}
		result, err := load.Wrk(ctx, run)
		if err != nil {
			return fmt.Errorf("%s: %w", PartMemory, err)
		}
		m.Requests += result.Requests
		bytes, err := procstat.Resident(g.Envoy.PID())
		if err != nil {
			return err
		}
		m.Samples = append(m.Samples, Sample{m.Requests, bytes})
		if i%10 == 9 {
			b.say("%d of %d requests, %.1f MiB", m.Requests, memoryRequests, float64(bytes)/(1<<20))
		}
	}
	m.Growth = growth(m.Samples)
	b.report.Memory = m
	return nil
}

// growth is how much more memory there is at the end than after the first tenth
// of all requests: 0.02 means 2 %.
func growth(samples []Sample) float64 {
	if len(samples) == 0 {
		return 0
	}
	last := samples[len(samples)-1]
	for _, s := range samples {
		if float64(s.Requests) >= memoryWarmth*float64(last.Requests) {
			return float64(last.Bytes)/float64(s.Bytes) - 1
		}
	}
	return 0
}

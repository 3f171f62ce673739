package spikearrest

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline/pipelinetest"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

func BenchmarkApply(b *testing.B) {
	for _, per := range []string{"", "client_ip"} {
		b.Run("per="+per, func(b *testing.B) {
			o := options(b, per)
			o.Rate, o.Burst = mustRate(b, "1000000ps"), MaxBurst
			s := made(o, memstore.New(nil))
			x := &pipeline.Exchange{Now: newClock().now.UnixNano(), Client: pipelinetest.From("192.0.2.1")}
			b.ReportAllocs()
			for b.Loop() {
				x.Now += int64(time.Millisecond)
				if !s.Apply(x).Continues() {
					b.Fatal("refused")
				}
			}
		})
	}
}

// Many workers on one bucket: what contention costs.
func BenchmarkContended(b *testing.B) {
	o := options(b, "")
	o.Rate, o.Burst = mustRate(b, "1000000ps"), MaxBurst
	store := memstore.New(nil)
	now := newClock().now
	var ticks, refused atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		s := made(o, store)
		for pb.Next() {
			x := &pipeline.Exchange{Now: now.Add(time.Duration(ticks.Add(1)) * time.Millisecond).UnixNano()}
			if !s.Apply(x).Continues() {
				refused.Add(1)
			}
		}
	})
	_, sets := store.Calls()
	b.ReportMetric(float64(sets)/float64(b.N), "sets/op")
	b.ReportMetric(float64(refused.Load())/float64(b.N), "refused/op")
}

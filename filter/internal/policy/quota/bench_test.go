package quota

import (
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

// BenchmarkQuota is what a request costs that passes, in Go and without a host: of
// the engine's modes with one that answers at once.
func BenchmarkQuota(b *testing.B) {
	for _, mode := range []Mode{Local, Reconciled, Exact} {
		b.Run(modeWords[mode], func(b *testing.B) {
			w := newWorld(b)
			w.now = time.Now()
			o := options(mode, MaxLimit)
			o.Engine.Batch = 100
			s := w.worker(o, memstore.New(nil))
			x := exchange(w, "shop")
			b.ReportAllocs()
			for b.Loop() {
				outcome := s.Apply(x)
				w.engine.deliver()
				if f := outcome.Flight(); f != nil {
					outcome = outcome.Resume(x)
				}
				if !outcome.Continues() {
					b.Fatal("refused")
				}
			}
		})
	}
}

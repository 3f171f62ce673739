package introspection

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

func BenchmarkCachedHit(bm *testing.B) {
	for _, size := range []int{40, 900, 4000} {
		bm.Run(fmt.Sprintf("token=%d", size), func(bm *testing.B) {
			b := newBench(nil)
			token := strings.Repeat("a", size)
			b.arrive(token)
			b.land(0, b.active("alice"))
			x := withAuthorization("", "Bearer "+token)
			x.Now = b.now.UnixNano()
			bm.ReportAllocs()
			for bm.Loop() {
				if !b.step.Apply(x).Continues() {
					bm.Fatal("no hit")
				}
			}
		})
	}
}

func BenchmarkCall(bm *testing.B) {
	b := newBench(func(o *Options) { o.CacheMaxTTL = 0 })
	answer := answered(200, oktaAnswer)
	bm.ReportAllocs()
	for bm.Loop() {
		x := b.arrive("abc")
		b.land(0, answer)
		b.air.calls = b.air.calls[:0]
		if x.verdict != pipeline.Admitted {
			bm.Fatal("refused")
		}
	}
}

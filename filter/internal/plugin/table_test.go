package plugin

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/sallyport-gateway/sallyport/filter/internal/engine"
)

// TestTable holds the table against a map, over more streams than it begins with.
func TestTable(t *testing.T) {
	g := engine.New(&proxy{})
	rapid.Check(t, func(t *rapid.T) {
		var streams table
		model := map[uint32]*engine.Stream{}
		ids := rapid.SampledFrom([]uint32{0, 1, 2, 3, 255, 256, 257, 511, 512, 513, 1 << 31, 1<<32 - 1})
		if rapid.Bool().Draw(t, "many") {
			for id := uint32(1000); id < 1000+3*firstChains; id++ {
				model[id] = g.Open(id)
				streams.add(model[id])
			}
			ids = rapid.Uint32Range(900, 1200+3*firstChains)
		}
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			id := ids.Draw(t, "id")
			if streams.find(id) != model[id] {
				t.Fatalf("stream %d: found another one than was added", id)
			}
			if model[id] == nil {
				model[id] = g.Open(id)
				streams.add(model[id])
				continue
			}
			if streams.remove(id) != model[id] || streams.remove(id) != nil {
				t.Fatalf("stream %d: removed another one than was added, or twice", id)
			}
			delete(model, id)
		}
		if streams.count != len(model) {
			t.Errorf("%d streams, want %d", streams.count, len(model))
		}
		for id, s := range model {
			if streams.find(id) != s {
				t.Errorf("stream %d was lost", id)
			}
		}
	})
}

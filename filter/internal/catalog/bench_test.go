package catalog

import (
	"crypto/sha256"
	"strconv"
	"testing"
)

// BenchmarkLargeCatalogFindKey finds one of 20,000 keys after another, and fails to find as many. That is a key's whole
// lookup; its hash, some 5 us in the guest, does not depend on the catalog.
func BenchmarkLargeCatalogFindKey(b *testing.B) {
	const appCount, keysOfAnApp = 10_000, 2
	apps := make([]App, appCount)
	var known, unknown [][32]byte
	for i := range apps {
		n := strconv.Itoa(i)
		apps[i] = App{Name: "app-" + n, Developer: "dev", Status: Approved}
		for j := range keysOfAnApp {
			id := n + "-" + strconv.Itoa(j)
			sum := sha256.Sum256([]byte(id))
			apps[i].Keys = append(apps[i].Keys, Key{ID: id, SHA256: sum, Status: Approved})
			known, unknown = append(known, sum), append(unknown, sha256.Sum256(sum[:]))
		}
	}
	c := mustNew(b, []API{{Name: "a", Version: "v1", BasePath: "/"}}, nil, apps)
	for _, bm := range []struct {
		name string
		sums [][32]byte
		want bool
	}{{"known", known, true}, {"unknown", unknown, false}} {
		b.Run(bm.name, func(b *testing.B) {
			// A prime step, so that no lookup follows its neighbour in memory.
			const step = 7919
			i := 0
			for b.Loop() {
				if _, _, ok := c.FindKey(bm.sums[i]); ok != bm.want {
					b.Fatal(i, ok)
				}
				if i += step; i >= len(bm.sums) {
					i -= len(bm.sums)
				}
			}
		})
	}
}

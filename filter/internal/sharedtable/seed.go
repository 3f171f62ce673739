package sharedtable

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
)

// SeedSize is the number of random bytes in a seed.
const SeedSize = 32

// Seed gives the random bytes that all VMs on this store share, made by the
// first that asks. Hashes that cover it cannot be computed outside of the host,
// so nobody can choose what falls into one bucket.
func Seed(store host.Store) (seed [SeedSize]byte, err error) {
	table := New(store, Layout{Name: "seed", Buckets: 1, Entries: 1, EntrySize: SeedSize})
	err = table.Update(0, func(b Bucket) bool {
		if b.Condition == Sound {
			copy(seed[:], b.Entry(0))
			return false
		}
		// The runtime's own generator: ChaCha8, seeded by the host's random_get.
		// crypto/rand would make the module 30 KiB larger, for a seed that only
		// has to be unknown to clients.
		for i := 0; i < SeedSize; i += 8 {
			binary.LittleEndian.PutUint64(seed[i:], rand.Uint64()) //nolint:gosec // G404: the comment above says why
		}
		copy(b.Entry(0), seed[:])
		return true
	})
	if err != nil {
		return [SeedSize]byte{}, err
	}
	return seed, nil
}

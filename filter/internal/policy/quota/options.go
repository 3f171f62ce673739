package quota

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/breaker"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
)

// Terms are a limit as configured: 1..MaxLimit hits in an Interval. The zero Terms
// are none.
type Terms = policy.Quota

// Mode says who counts.
type Mode uint8

const (
	Local      Mode = iota // each Envoy by itself
	Exact                  // the engine, before the request goes on
	Reconciled             // each Envoy for a share, the engine for the sum
)

var modeWords = [...]string{Local: "local", Exact: "exact", Reconciled: "reconciled"}

// OnFailure says what happens to a request that the engine could not be asked
// about. The zero value refuses it.
type OnFailure struct {
	// Hits is how many of one party may go on without the engine's knowledge.
	Hits int64
}

// Engine is the service that counts.
type Engine struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	Cluster     string // the host's cluster
	Domain      string // that the service is configured with
	Timeout     time.Duration
	MaxInFlight int // calls of all workers together
	Breaker     breaker.Breaker
	OnFailure   OnFailure
	// Of reconciled mode: how many hits are reported at once, and how long fewer
	// of them may wait.
	Batch        int64
	SyncInterval time.Duration
}

// Options describe one quota.
type Options struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	Name       string // quotas with the same name count together, if they count by the same thing
	Terms      Terms  // of parties whose product has none
	Products   map[string]Terms
	Rolling    bool // a window begins with a party's first request; of Local only
	Per        Per
	IPv6Prefix int // of ClientIP
	Weight     int64
	Mode       Mode
	Engine     Engine
	Report     bool // leave in the exchange what the limit has left
}

// MaxBatch bounds Engine.Batch.
const MaxBatch = 1_000_000

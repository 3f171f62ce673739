package wasmhost

import (
	mathrand "math/rand/v2"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/simclock"
)

// Machine is what the VMs of one process share.
type Machine struct {
	Release *Release
	Clock   simclock.Clock
	// Began is when the monotonic clock was zero.
	Began time.Time
	// Random makes the random source of a new VM.
	Random func() *mathrand.ChaCha8

	sharedData *sharedData
	queues     *queueTable
	metrics    *metricTable
}

func NewMachine(r *Release, clock simclock.Clock, random func() *mathrand.ChaCha8) *Machine {
	return &Machine{
		Release: r, Clock: clock, Began: clock.Now(), Random: random,
		sharedData: newSharedData(), queues: newQueueTable(), metrics: newMetricTable(),
	}
}

// Retain and Forsake count the VM identities that use a vm_id: its data goes with the last one.
func (m *Machine) Retain(vmID string)  { m.sharedData.retain(vmID) }
func (m *Machine) Forsake(vmID string) { m.sharedData.release(vmID) }

// Forget clears what a process loses when it is killed.
func (m *Machine) Forget() {
	m.sharedData.clear()
	m.queues.clear()
	m.metrics.clear()
}

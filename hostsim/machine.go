package hostsim

import (
	mathrand "math/rand/v2"
	"time"
)

// machine is what the VMs of one process share.
type machine struct {
	Release *release
	Clock   Clock
	// Began is when the monotonic clock was zero.
	Began time.Time
	// Random makes the random source of a new VM.
	Random func() *mathrand.ChaCha8

	sharedData *sharedData
	queues     *queueTable
	metrics    *metricTable
}

func newMachine(r *release, clock Clock, random func() *mathrand.ChaCha8) *machine {
	return &machine{
		Release: r, Clock: clock, Began: clock.Now(), Random: random,
		sharedData: newSharedData(), queues: newQueueTable(), metrics: newMetricTable(),
	}
}

// retain and release count the VM identities that use a vm_id: with the last one its data goes.
func (m *machine) retain(vmID string)  { m.sharedData.retain(vmID) }
func (m *machine) release(vmID string) { m.sharedData.release(vmID) }

// forget is what a process that is killed leaves to the next.
func (m *machine) forget() {
	m.sharedData.clear()
	m.queues.clear()
	m.metrics.clear()
}

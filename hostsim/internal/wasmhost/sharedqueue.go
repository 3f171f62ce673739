package wasmhost

import (
	"sync"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

// queueTable has the process-wide queues. Source: proxy-wasm-cpp-host src/shared_queue.cc.
type queueTable struct {
	mu     sync.Mutex
	byName map[queueName]*sharedQueue
	byID   map[uint32]*sharedQueue
	lastID uint32
}

type queueName struct{ vmID, name string }

type sharedQueue struct {
	id       uint32
	messages [][]byte
	// owner is the last registrant: it gets on_queue_ready.
	owner  *VM
	rootID uint32
}

func newQueueTable() *queueTable {
	return &queueTable{byName: map[queueName]*sharedQueue{}, byID: map[uint32]*sharedQueue{}}
}

func (q *queueTable) clear() {
	q.mu.Lock()
	defer q.mu.Unlock()
	clear(q.byName)
	clear(q.byID)
	q.lastID = 0
}

// register makes the queue, or takes over an existing one.
func (q *queueTable) register(owner *VM, rootID uint32, name string) uint32 {
	q.mu.Lock()
	defer q.mu.Unlock()
	key := queueName{owner.spec.VMID, name}
	queue, ok := q.byName[key]
	if !ok {
		q.lastID++
		queue = &sharedQueue{id: q.lastID}
		q.byName[key], q.byID[queue.id] = queue, queue
	}
	queue.owner, queue.rootID = owner, rootID
	return queue.id
}

// resolve answers NotFound for a queue that was never registered.
func (q *queueTable) resolve(vmID, name string) (uint32, abi.Status) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if queue, ok := q.byName[queueName{vmID, name}]; ok {
		return queue.id, abi.StatusOK
	}
	return 0, abi.StatusNotFound
}

// enqueue adds a message and notifies the owner on its own thread. An owner that has crashed is not notified: the
// answer is OK and the message stays.
func (q *queueTable) enqueue(id uint32, message []byte) abi.Status {
	q.mu.Lock()
	queue, ok := q.byID[id]
	if !ok {
		q.mu.Unlock()
		return abi.StatusNotFound
	}
	queue.messages = append(queue.messages, append([]byte(nil), message...))
	owner, rootID := queue.owner, queue.rootID
	q.mu.Unlock()
	owner.thread.Post(func() { owner.queueReady(rootID, id) })
	return abi.StatusOK
}

// dequeue answers NotFound for an unknown id and Empty when nothing is there.
func (q *queueTable) dequeue(id uint32) ([]byte, abi.Status) {
	q.mu.Lock()
	defer q.mu.Unlock()
	queue, ok := q.byID[id]
	switch {
	case !ok:
		return nil, abi.StatusNotFound
	case len(queue.messages) == 0:
		return nil, abi.StatusEmpty
	}
	m := queue.messages[0]
	queue.messages = queue.messages[1:]
	return m, abi.StatusOK
}

// Queue is a copy of the messages in a queue, oldest first, and whether it was ever registered.
func (m *Machine) Queue(vmID, name string) (messages [][]byte, ok bool) {
	m.queues.mu.Lock()
	defer m.queues.mu.Unlock()
	queue, ok := m.queues.byName[queueName{vmID, name}]
	if !ok {
		return nil, false
	}
	for _, message := range queue.messages {
		messages = append(messages, append([]byte(nil), message...))
	}
	return messages, true
}

package engine

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// queues is a host that has nothing but queues.
type queues struct {
	Host
	names    []string
	messages map[uint32][][]byte
	refuse   bool
}

func (q *queues) NowNanos() int64 { return 42 }

func (q *queues) RegisterQueue(name string) (uint32, bool) {
	q.names = append(q.names, name)
	return uint32(len(q.names)), !q.refuse
}

func (q *queues) Enqueue(queue uint32, m []byte) bool {
	q.messages[queue] = append(q.messages[queue], m)
	return true
}

func (q *queues) Dequeue(queue uint32) ([]byte, bool) {
	if len(q.messages[queue]) == 0 {
		return nil, false
	}
	m := q.messages[queue][0]
	q.messages[queue] = q.messages[queue][1:]
	return m, true
}

// ear is a step that remembers what it heard.
type ear struct {
	heard []string
	busy  bool
	ticks int
}

func (e *ear) Busy() bool             { return e.busy }
func (e *ear) Tick(int64)             { e.ticks++ }
func (e *ear) Hear(m []byte, _ int64) { e.heard = append(e.heard, string(m)) }

func TestPeersHearWhatIsMeantForThisVM(t *testing.T) {
	q := &queues{messages: map[uint32][][]byte{}}
	e, one, two := New(q), &ear{}, &ear{}
	e.peers.Join(one)
	e.peers.Join(two)
	id, ok := e.peers.Queue()
	if again, _ := e.peers.Queue(); !ok || again != id || len(q.names) != 1 {
		t.Fatalf("queues %v, want one, made once", q.names)
	}
	e.peers.Tell(id, []byte("a"))
	e.peers.Tell(id, []byte("b"))
	e.peers.Tell(99, []byte("for others"))
	e.QueueReady(99)
	e.QueueReady(id)
	for _, e := range []*ear{one, two} {
		if diff := cmp.Diff([]string{"a", "b"}, e.heard); diff != "" {
			t.Errorf("heard (-want +got):\n%s", diff)
		}
	}
}

func TestPeersOfAHostWithoutQueues(t *testing.T) {
	q := &queues{refuse: true}
	e := New(q)
	for range 3 {
		if _, ok := e.peers.Queue(); ok {
			t.Fatal("a queue that was refused")
		}
	}
	e.QueueReady(0)
	if len(q.names) != 1 {
		t.Errorf("asked %d times", len(q.names))
	}
}

// TestOneCallbackHearsABoundedNumber: others may write faster than this VM reads.
func TestOneCallbackHearsABoundedNumber(t *testing.T) {
	q := &queues{messages: map[uint32][][]byte{}}
	e, b := New(q), &ear{}
	e.peers.Join(b)
	id, _ := e.peers.Queue()
	for range 2 * maxMessages {
		e.peers.Tell(id, []byte("x"))
	}
	e.QueueReady(id)
	if len(b.heard) != maxMessages {
		t.Errorf("heard %d, want %d", len(b.heard), maxMessages)
	}
}

func TestTimePassesForWhoIsBusy(t *testing.T) {
	e, b := New(&queues{}), &ear{}
	e.peers.Join(b)
	e.Tick()
	b.busy = true
	e.Tick()
	if b.ticks != 1 {
		t.Errorf("%d ticks, want 1", b.ticks)
	}
}

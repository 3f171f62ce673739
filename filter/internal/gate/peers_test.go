package gate

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
	g, one, two := New(q), &ear{}, &ear{}
	g.peers.Join(one)
	g.peers.Join(two)
	id, ok := g.peers.Queue()
	if again, _ := g.peers.Queue(); !ok || again != id || len(q.names) != 1 {
		t.Fatalf("queues %v, want one, made once", q.names)
	}
	g.peers.Tell(id, []byte("a"))
	g.peers.Tell(id, []byte("b"))
	g.peers.Tell(99, []byte("for others"))
	g.QueueReady(99)
	g.QueueReady(id)
	for _, e := range []*ear{one, two} {
		if diff := cmp.Diff([]string{"a", "b"}, e.heard); diff != "" {
			t.Errorf("heard (-want +got):\n%s", diff)
		}
	}
}

func TestPeersOfAHostWithoutQueues(t *testing.T) {
	q := &queues{refuse: true}
	g := New(q)
	for range 3 {
		if _, ok := g.peers.Queue(); ok {
			t.Fatal("a queue that was refused")
		}
	}
	g.QueueReady(0)
	if len(q.names) != 1 {
		t.Errorf("asked %d times", len(q.names))
	}
}

// TestOneCallbackHearsABoundedNumber: others may write faster than this VM reads.
func TestOneCallbackHearsABoundedNumber(t *testing.T) {
	q := &queues{messages: map[uint32][][]byte{}}
	g, e := New(q), &ear{}
	g.peers.Join(e)
	id, _ := g.peers.Queue()
	for range 2 * maxMessages {
		g.peers.Tell(id, []byte("x"))
	}
	g.QueueReady(id)
	if len(e.heard) != maxMessages {
		t.Errorf("heard %d, want %d", len(e.heard), maxMessages)
	}
}

func TestTimePassesForWhoIsBusy(t *testing.T) {
	g, e := New(&queues{}), &ear{}
	g.peers.Join(e)
	g.Tick()
	e.busy = true
	g.Tick()
	if e.ticks != 1 {
		t.Errorf("%d ticks, want 1", e.ticks)
	}
}

package engine

import (
	"math/rand/v2"
	"strconv"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
)

const (
	// queuePrefix sets our queues apart from those of foreign plugins.
	queuePrefix = "sallyport/1/peer/"
	// maxMessages bounds how many messages are read in one callback: others may
	// keep sending.
	maxMessages = 1024
)

// peers is host.Peers over the host's shared queues. The queue is made when
// it is first asked for: what is never used leaves nothing behind in the host.
type peers struct {
	host     Host
	queue    uint32
	made     bool
	failed   bool
	listener []host.Background
	nudge    string // the message to ourselves that is on its way; empty for none
	nudgedAt int64  // unix nanoseconds
}

// Queue implements host.Peers. The name is random, because a queue belongs to
// whoever registered it last.
func (p *peers) Queue() (queue uint32, ok bool) {
	if !p.made && !p.failed {
		p.queue, p.made = p.host.RegisterQueue(queuePrefix + word())
		p.failed = !p.made
	}
	return p.queue, p.made
}

// Tell implements host.Peers.
func (p *peers) Tell(queue uint32, message []byte) { p.host.Enqueue(queue, message) }

// Join implements host.Peers.
func (p *peers) Join(b host.Background) { p.listener = append(p.listener, b) }

// callBack has QueueReady called soon: by a message to ourselves, some 30 µs
// later. Only one is on its way at a time. If it is lost, the next tick makes
// up for it.
func (p *peers) callBack(now int64) {
	if since := now - p.nudgedAt; p.nudge != "" && 0 <= since && since < int64(TickPeriod) {
		return
	}
	queue, ok := p.Queue()
	if !ok {
		return
	}
	p.nudge, p.nudgedAt = word(), now
	if !p.host.Enqueue(queue, []byte(p.nudge)) {
		p.nudge = ""
	}
}

// calledBack reports whether the message is that of callBack.
func (p *peers) calledBack(message []byte) bool {
	if p.nudge == "" || string(message) != p.nudge {
		return false
	}
	p.nudge = ""
	return true
}

// word differs from VM to VM and from call to call. Whoever guesses one gains a
// callback.
//
//go:noinline
func word() string {
	return strconv.FormatUint(rand.Uint64(), 36) //nolint:gosec // who can write queues can find their numbers anyway
}

func (p *peers) busy() bool {
	for _, b := range p.listener {
		if b.Busy() {
			return true
		}
	}
	return false
}

func (p *peers) tick(now int64) {
	for _, b := range p.listener {
		b.Tick(now)
	}
}

// QueueReady reads the messages of other VMs, and this one's to itself. They
// are untrusted bytes: any plugin may write into any queue.
func (e *Engine) QueueReady(queue uint32) {
	if !e.peers.made || queue != e.peers.queue {
		return
	}
	now := e.host.NowNanos()
	for range maxMessages {
		message, ok := e.host.Dequeue(queue)
		if !ok {
			break
		}
		if e.peers.calledBack(message) {
			continue
		}
		for _, b := range e.peers.listener {
			b.Hear(message, now)
		}
	}
	e.giveVerdicts()
}

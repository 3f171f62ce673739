package breaker

import "encoding/binary"

// mode is where the breaker stands. The values are those of the metric.
type mode uint8

const (
	closed mode = iota
	halfOpen
	open
)

// record is all that the workers together know about one server. Its zero value
// is that of a server that was never called. Moments are unix nanoseconds.
type record struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	mode     mode
	reopened uint8  // how many times in a row it opened
	era      uint32 // changes when it opens and with each probe: how a call of an earlier era ended is no longer news
	until    int64  // open: when a probe may be sent; half-open: when the probe is given up

	inARow    uint32 // failures that counted
	windowEnd int64
	calls     uint32 // in the window
	failed    uint32

	heldUntil   int64
	warnedUntil int64
	slowStart   uint32 // how many calls may be in flight on the way back; 0: all

	flights permits

	// failing are, while the breaker is closed, the tokens whose failure has
	// counted in this row or window; else those that failed as probes.
	failing marks
}

// recordSize is the size of a record in the shared data.
const recordSize = 1 + 1 + 4 + 8 + 4 + 8 + 4 + 4 + 8 + 8 + 4 + permitSlots*6 + markWords*8

func (r *record) encode(b []byte) {
	b[0], b[1] = byte(r.mode), r.reopened
	b = b[2:]
	for _, v := range r.words() {
		binary.BigEndian.PutUint32(b, *v)
		b = b[4:]
	}
	for _, v := range r.moments() {
		binary.BigEndian.PutUint64(b, uint64(*v))
		b = b[8:]
	}
	for i := range r.flights {
		binary.BigEndian.PutUint32(b, r.flights[i].second)
		binary.BigEndian.PutUint16(b[4:], r.flights[i].count)
		b = b[6:]
	}
	for i, word := range r.failing {
		binary.BigEndian.PutUint64(b[8*i:], word)
	}
}

func (r *record) decode(b []byte) {
	r.mode, r.reopened = min(mode(b[0]), open), b[1]
	b = b[2:]
	for _, v := range r.words() {
		*v = binary.BigEndian.Uint32(b)
		b = b[4:]
	}
	for _, v := range r.moments() {
		*v = int64(binary.BigEndian.Uint64(b))
		b = b[8:]
	}
	for i := range r.flights {
		r.flights[i] = slot{second: binary.BigEndian.Uint32(b), count: binary.BigEndian.Uint16(b[4:])}
		b = b[6:]
	}
	for i := range r.failing {
		r.failing[i] = binary.BigEndian.Uint64(b[8*i:])
	}
}

func (r *record) words() [5]*uint32 {
	return [...]*uint32{&r.era, &r.inARow, &r.calls, &r.failed, &r.slowStart}
}

func (r *record) moments() [4]*int64 {
	return [...]*int64{&r.until, &r.windowEnd, &r.heldUntil, &r.warnedUntil}
}

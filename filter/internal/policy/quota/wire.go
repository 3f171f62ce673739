package quota

import "encoding/binary"

// The messages of envoy.service.ratelimit.v3, as far as they are needed
// (envoy api/envoy/service/ratelimit/v3/rls.proto and
// api/envoy/extensions/common/ratelimit/v3/ratelimit.proto), in the encoding of
// Protocol Buffers.

// unit is a RateLimitUnit (envoy/type/v3/ratelimit_unit.proto).
type unit uint8

const (
	unitMinute unit = 2
	unitHour   unit = 3
	unitDay    unit = 4
	unitYear   unit = 6
)

// Wire types.
const (
	varint  = 0
	fixed64 = 1
	bytes   = 2
	fixed32 = 5
)

// inquiry is a RateLimitRequest with one descriptor.
type inquiry struct {
	domain string
	pairs  []byte // the descriptor's entries; see appendPair
	limit  int64  // requests_per_unit of the descriptor's own limit
	unit   unit
	hits   int64 // 0 looks and counts nothing
}

// encode gives the message. hits_addend is in the descriptor, where 0 means
// none, and in the request, for engines that know it only there.
func (q *inquiry) encode() []byte {
	const usualBytes = 256
	d := append(make([]byte, 0, usualBytes), q.pairs...)
	override := appendNumber(appendNumber(nil, 1, uint64(q.limit)), 2, uint64(q.unit))
	d = appendBytes(d, 2, string(override))
	d = appendBytes(d, 3, string(appendNumber(nil, 1, uint64(q.hits))))
	b := appendBytes(make([]byte, 0, usualBytes), 1, q.domain)
	return appendNumber(appendBytes(b, 2, string(d)), 3, uint64(q.hits))
}

// appendPair appends an entry of a descriptor.
func appendPair(b []byte, key, value string) []byte {
	return appendBytes(b, 1, string(appendBytes(appendBytes(nil, 1, key), 2, value)))
}

//go:noinline
func appendNumber(b []byte, field byte, v uint64) []byte {
	if v == 0 {
		return b
	}
	return appendUvarint(append(b, field<<3|varint), v)
}

//go:noinline
func appendBytes(b []byte, field byte, v string) []byte {
	return append(appendUvarint(append(b, field<<3|bytes), uint64(len(v))), v...)
}

// appendUvarint is one copy of binary's, for the module's size.
//
//go:noinline
func appendUvarint(b []byte, v uint64) []byte { return binary.AppendUvarint(b, v) }

//go:noinline
func uvarint(b []byte) (v uint64, n int) { return binary.Uvarint(b) }

// code is a RateLimitResponse.Code.
type code uint8

const (
	codeOK        code = 1
	codeOverLimit code = 2
)

// reply is what a RateLimitResponse says about the one descriptor.
type reply struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	code      code
	hasStatus bool  // the engine counted, and the two below mean something
	unlimited bool  // the engine says that no limit counts: it does not know the domain
	remaining int64 // hits
	reset     int64 // seconds until the engine's window ends; 0 when it does not say
	stale     bool  // the window has ended since the engine was asked
}

// MaxReplyBytes bounds a RateLimitResponse that is read: headers for the client
// and metadata may be in it, and are not looked at.
const MaxReplyBytes = 64 << 10

// maxStatuses bounds the descriptors of a response; one was asked about.
const maxStatuses = 8

// decodeReply reads a RateLimitResponse. ok is false for anything that is not one
// or has neither OK nor OVER_LIMIT.
func decodeReply(b []byte) (r reply, ok bool) {
	if len(b) > MaxReplyBytes {
		return reply{}, false
	}
	var overall uint64
	statuses := 0
	for len(b) > 0 {
		var f field
		if f, b, ok = nextField(b); !ok {
			return reply{}, false
		}
		switch {
		case f.number == 1 && f.wire == varint:
			overall = f.value
		case f.number == 2 && f.wire == bytes:
			if statuses++; statuses > maxStatuses || !r.decodeStatus(f.bytes) {
				return reply{}, false
			}
		}
	}
	if overall != uint64(codeOK) && overall != uint64(codeOverLimit) || statuses > 1 {
		return reply{}, false
	}
	r.code, r.unlimited = code(overall), statuses > 0 && !r.hasStatus
	return r, true
}

// decodeStatus reads a DescriptorStatus.
func (r *reply) decodeStatus(b []byte) bool {
	for len(b) > 0 {
		f, rest, ok := nextField(b)
		if b = rest; !ok {
			return false
		}
		switch {
		case f.number == 2 && f.wire == bytes: // current_limit
			r.hasStatus = true
		case f.number == 3 && f.wire == varint:
			r.remaining = int64(min(f.value, 1<<32-1))
		case f.number == 4 && f.wire == bytes: // a google.protobuf.Duration
			if r.reset, ok = durationSeconds(f.bytes); !ok {
				return false
			}
		}
	}
	return true
}

// durationSeconds reads the seconds of a Duration, at most a year's.
func durationSeconds(b []byte) (n int64, ok bool) {
	for len(b) > 0 {
		f, rest, ok := nextField(b)
		if b = rest; !ok {
			return 0, false
		}
		if f.number == 1 && f.wire == varint {
			n = int64(min(f.value, 366*secondsPerDay))
		}
	}
	return n, true
}

// field is one field of a message.
type field struct {
	number uint64
	wire   byte
	value  uint64 // of a varint
	bytes  []byte // of bytes, a part of the message
}

// maxField is the largest number that a field can have
// (protobuf.dev/programming-guides/encoding).
const maxField = 1<<29 - 1

// nextField reads a field and gives what follows it. Groups are refused: no
// current message has them.
func nextField(b []byte) (f field, rest []byte, ok bool) {
	tag, n := uvarint(b)
	if n <= 0 || tag>>3 == 0 || tag>>3 > maxField {
		return field{}, nil, false
	}
	f, b = field{number: tag >> 3, wire: byte(tag & 7)}, b[n:]
	var size uint64
	switch f.wire {
	case varint:
		if f.value, n = uvarint(b); n <= 0 {
			return field{}, nil, false
		}
		return f, b[n:], true
	case fixed64:
		size = 8
	case fixed32:
		size = 4
	case bytes:
		if size, n = uvarint(b); n <= 0 {
			return field{}, nil, false
		}
		b = b[n:]
	default:
		return field{}, nil, false
	}
	if size > uint64(len(b)) {
		return field{}, nil, false
	}
	f.bytes = b[:size:size]
	return f, b[size:], true
}

package quota

import (
	"encoding/hex"
	"math"
	"reflect"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// TestQuotaRequestOnTheWire reads what was written with Google's own reader of the
// encoding.
func TestQuotaRequestOnTheWire(t *testing.T) {
	q := inquiry{domain: "sallyport", limit: 1000, unit: unitDay, hits: 3, pairs: appendPair(appendPair(nil, "quota", "orders"), "app", "shop")}
	const want = "0a0973616c6c79706f7274" + "1229" + "0a0f" + "0a0571756f7461" + "12066f7264657273" + // a pair
		"0a0b" + "0a03617070" + "120473686f70" + "1205" + "08e807" + "1004" + "1a020803" + "1803"
	if got := hex.EncodeToString(q.encode()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	q.hits = 0
	number, _, n := protowire.ConsumeField(q.encode())
	if number != 1 || n < 0 {
		t.Fatalf("field %d, %v", number, protowire.ParseError(n))
	}
	rest := q.encode()[n:]
	number, _, n = protowire.ConsumeField(rest)
	if number != 2 || n != len(rest) {
		t.Errorf("a look has more than a domain and a descriptor: %x", rest)
	}
	descriptor := rest[n-2:]
	if hex.EncodeToString(descriptor) != "1a00" {
		t.Errorf("a look's descriptor ends with %x, want hits_addend without a value", descriptor)
	}
}

// status makes a DescriptorStatus.
func statusBytes(code, remaining, reset uint64) []byte {
	b := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), code)
	b = protowire.AppendBytes(protowire.AppendTag(b, 2, protowire.BytesType), []byte{8, 10, 16, 4})
	b = protowire.AppendVarint(protowire.AppendTag(b, 3, protowire.VarintType), remaining)
	duration := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), reset)
	return protowire.AppendBytes(protowire.AppendTag(b, 4, protowire.BytesType), duration)
}

func replyBytes(code uint64, statuses ...[]byte) []byte {
	b := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), code)
	for _, s := range statuses {
		b = protowire.AppendBytes(protowire.AppendTag(b, 2, protowire.BytesType), s)
	}
	return b
}

func TestQuotaRepliesOffTheWire(t *testing.T) {
	header := protowire.AppendBytes(protowire.AppendTag(nil, 3, protowire.BytesType), []byte("\x0a\x01k\x12\x01v"))
	tests := []struct {
		name string
		b    []byte
		want reply
		ok   bool
	}{
		{"within the limit", replyBytes(1, statusBytes(1, 41, 60)), reply{code: codeOK, hasStatus: true, remaining: 41, reset: 60}, true},
		{"over the limit", replyBytes(2, statusBytes(2, 0, 1)), reply{code: codeOverLimit, hasStatus: true, remaining: 0, reset: 1}, true},
		{"no status", replyBytes(1), reply{code: codeOK}, true},
		{"a status without a limit", replyBytes(1, []byte{8, 1}), reply{code: codeOK, unlimited: true}, true},
		{"over no limit", replyBytes(2, []byte{8, 2}), reply{code: codeOverLimit, unlimited: true}, true},
		{"headers to add", append(replyBytes(2, statusBytes(2, 0, 9)), header...), reply{code: codeOverLimit, hasStatus: true, remaining: 0, reset: 9}, true},
		{"more left than 32 bits", replyBytes(1, statusBytes(1, math.MaxUint64, 0)), reply{code: codeOK, hasStatus: true, remaining: 1<<32 - 1, reset: 0}, true},
		{"a window of ages", replyBytes(1, statusBytes(1, 1, math.MaxUint64)), reply{code: codeOK, hasStatus: true, remaining: 1, reset: 366 * secondsPerDay}, true},
		{"empty", nil, reply{}, false},
		{"unknown", replyBytes(0), reply{}, false},
		{"a code of tomorrow", replyBytes(3), reply{}, false},
		{"a code far away", replyBytes(257), reply{}, false},
		{"two statuses", replyBytes(1, statusBytes(1, 1, 1), statusBytes(1, 1, 1)), reply{}, false},
		{"cut", replyBytes(1, statusBytes(1, 41, 60))[:9], reply{}, false},
		{"a group", []byte{8, 1, 0x1b}, reply{}, false},
		{"field 0", []byte{8, 1, 0}, reply{}, false},
		{"an endless number", []byte{8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, reply{}, false},
		{"too large", make([]byte, MaxReplyBytes+1), reply{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := decodeReply(tt.b); ok != tt.ok || ok && !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, %v, want %+v, %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}

func FuzzQuotaReply(f *testing.F) {
	f.Add(replyBytes(1, statusBytes(1, 41, 60)))
	f.Add(replyBytes(2))
	f.Add([]byte{8, 1, 0x12, 0x7f})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, ok := decodeReply(b)
		if !ok {
			return
		}
		if r.code != codeOK && r.code != codeOverLimit || r.remaining < 0 || r.remaining > 1<<32-1 || r.reset < 0 || r.reset > 366*secondsPerDay {
			t.Errorf("%x reads as %+v", b, r)
		}
		for rest := b; len(rest) > 0; {
			_, _, n := protowire.ConsumeField(rest)
			if n < 0 {
				t.Fatalf("%x is taken, and is not a message: %v", b, protowire.ParseError(n))
			}
			rest = rest[n:]
		}
	})
}

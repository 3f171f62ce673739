package abi

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
)

func TestPairs(t *testing.T) {
	tests := []struct {
		name  string
		bytes string
		want  []host.Header
		ok    bool
	}{
		{"nothing at all is an empty map", "", nil, true},
		{"a count of none", "\x00\x00\x00\x00", []host.Header{}, true},
		{"one pair", "\x01\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00k\x00vw\x00", []host.Header{{Name: "k", Value: "vw"}}, true},
		{"cut before the count", "\x01\x00", nil, false},
		{"more pairs than bytes", "\x02\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00k\x00vw\x00", nil, false},
		{"a count that overflows", "\xff\xff\xff\xff", nil, false},
		{"a size beyond the end", "\x01\x00\x00\x00\xff\xff\xff\xff\x02\x00\x00\x00k\x00vw\x00", nil, false},
		{"no NUL after the key", "\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00kkv\x00", nil, false},
		{"bytes left over", "\x00\x00\x00\x00x", nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := DecodePairs(nil, []byte(tt.bytes))
			if ok != tt.ok {
				t.Fatalf("ok %v, want %v", ok, tt.ok)
			}
			if diff := cmp.Diff(tt.want, got); ok && diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func FuzzHeaderPairs(f *testing.F) {
	f.Add([]byte{})
	f.Add(EncodePairs([]host.Header{{Name: ":path", Value: "/"}, {Name: "x"}, {Name: "x", Value: "\x00"}}))
	f.Add([]byte("\x01\x00\x00\x00\xff\xff\xff\xff\x02\x00\x00\x00k\x00vw\x00"))
	into := make([]host.Header, 2)
	f.Fuzz(func(t *testing.T, b []byte) {
		pairs, ok := DecodePairs(into, b)
		if !ok || len(b) == 0 {
			return
		}
		if again := EncodePairs(pairs); string(again) != string(b) {
			t.Errorf("%q decodes to %q, which encodes to %q", b, pairs, again)
		}
	})
}

// TestRooms: an answer that waits for a room lies in it, as long as it fits; what is kept is never overwritten.
func TestRooms(t *testing.T) {
	t.Cleanup(func() { waiting = nil; KeepRequest() })
	same := func(a, b []byte) bool { return &a[0] == &b[0] }
	own, other := place(10), place(10)
	if same(own, other) {
		t.Error("two answers that no room waits for lie in one place")
	}
	readyForRequest()
	first := place(100)
	if second := place(200); !same(first, second) {
		t.Error("the room was not used again")
	}
	large := place(2 * firstRequestBytes)
	if len(large) != 2*firstRequestBytes || !same(large, place(firstRequestBytes)) {
		t.Error("the room did not grow with a larger request")
	}
	huge := place(keptRequestBytes + 1)
	if same(huge, large) || same(huge, place(keptRequestBytes+1)) {
		t.Error("a request beyond the bound was put into the room")
	}
	KeepRequest()
	readyForRequest()
	if kept := large; same(kept, place(100)) {
		t.Error("headers that were kept are overwritten")
	}
	waiting = &valueRoom
	if value := place(valueBytes); !same(value, place(1)) || same(value, place(valueBytes+1)) {
		t.Error("the room for values holds too much, or too little")
	}
}

func TestAnAnswerIsHandedOverOnce(t *testing.T) {
	count := 0
	launched(1, 4, func(numHeaders, bodySize int) { count += numHeaders + bodySize })
	landed(2, 4, 1, 1) // another root's call of the same number
	landed(1, 8, 1, 1) // a call that nobody made
	if count != 0 {
		t.Fatal("an answer went to the wrong call")
	}
	landed(1, 4, 3, 2)
	landed(1, 4, 3, 2)
	if count != 5 {
		t.Errorf("handed over %d, want 5 once", count)
	}
}

func TestADeletedRootForgetsItsCalls(t *testing.T) {
	var gone []uint32
	HandleDeletes(func(id uint32) { gone = append(gone, id) })
	t.Cleanup(func() { HandleDeletes(nil) })
	launched(7, 4, func(int, int) { t.Error("called back after the root is gone") })
	deleted(7)
	landed(7, 4, 1, 1)
	if len(gone) != 1 || gone[0] != 7 || len(callouts[7]) != 0 {
		t.Errorf("told of %v, calls left %d", gone, len(callouts[7]))
	}
}

func TestGuardRecoversAndHidesWhatPanicked(t *testing.T) {
	tests := []struct {
		name  string
		panic func()
		want  string
	}{
		{"a nil pointer names itself", func() { var p *[2]int; p[0] = 1 }, "nil pointer dereference"},
		{"a value of ours is not shown", func() { panic("key-of-a-customer") }, "panic <"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var id uint32
			var callback, where string
			HandlePanics(func(i uint32, c, w string) { id, callback, where = i, c, w; panic("the handler too") })
			t.Cleanup(func() { HandlePanics(nil) })
			func() {
				enter(9, "proxy_on_request_headers")
				defer guard()
				tt.panic()
			}()
			if id != 9 || callback != "proxy_on_request_headers" || !strings.Contains(where, tt.want) || strings.Contains(where, "customer") {
				t.Errorf("told of %d, %q, %q", id, callback, where)
			}
		})
	}
}

func TestQueueMessagesGoToWhoHandlesThem(t *testing.T) {
	queueReady(1, 2) // nobody does yet
	var got [][2]uint32
	HandleQueues(func(root, queue uint32) { got = append(got, [2]uint32{root, queue}) })
	defer HandleQueues(nil)
	queueReady(3, 4)
	if len(got) != 1 || got[0] != [2]uint32{3, 4} {
		t.Errorf("told of %v, want root 3 and queue 4", got)
	}
}

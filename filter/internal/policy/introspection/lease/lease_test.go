package lease

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

const never = int64(1) << 62 // no landing is news to who says so

func TestOneAsksTheOthersWait(t *testing.T) {
	store := memstore.New(nil)
	one, other, third := New(store), New(store), New(store)
	k := sharedtable.Key{1}
	if g := one.Acquire(k, 11, 1, 100, 200, 100); g != Granted {
		t.Fatalf("the first came to %d", g)
	}
	for range 2 { // one message is enough for many exchanges of a worker
		if g := other.Acquire(k, 22, 2, 110, 210, 110); g != Joined {
			t.Fatalf("the second came to %d", g)
		}
	}
	if g := third.Acquire(k, 33, 3, 120, 220, 120); g != Joined {
		t.Fatalf("the third came to %d", g)
	}
	if s := other.Status(k, 0, 150); s.State != Held {
		t.Errorf("state %d, want held", s.State)
	}
	if wake := other.Land(k, 22, 150, Landed, denial.Denial{}); wake != nil {
		t.Errorf("who holds no lease may wake %v", wake)
	}
	if wake := one.Land(k, 11, 150, Landed, denial.Denial{}); !slices.Equal(wake, []uint32{2, 3}) {
		t.Errorf("wakes %v, want 2 and 3", wake)
	}
	if diff := cmp.Diff(Status{State: Landed, Since: 150}, other.Status(k, 0, 160)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if g := other.Acquire(k, 22, 2, 160, 260, 150); g != Answered {
		t.Errorf("who looked before the landing came to %d, want answered", g)
	}
	if g := other.Acquire(k, 22, 2, 160, 260, 151); g != Granted {
		t.Errorf("who looked after it came to %d, want granted", g)
	}
}

func TestAFailureIsToldToThoseWhoWait(t *testing.T) {
	store := memstore.New(nil)
	one, other := New(store), New(store)
	k := sharedtable.Key{1}
	one.Acquire(k, 11, 1, 100, 200, 100)
	other.Acquire(k, 22, 2, 110, 210, 110)
	refusal := denial.Denial{Reason: denial.IntrospectionTimeout, RetryAfterSeconds: 5, Text: "not shared", Scope: "nor this"}
	one.Land(k, 11, 150, Failed, refusal)
	want := Status{State: Failed, Since: 150, Denial: denial.Denial{Reason: denial.IntrospectionTimeout, RetryAfterSeconds: 5}}
	if diff := cmp.Diff(want, other.Status(k, 0, 151)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if g := other.Acquire(k, 22, 2, 160, 260, 100); g != Granted {
		t.Errorf("the next one came to %d: a failure is not an answer", g)
	}
}

func TestAnInactiveTokenIsToldToThoseWhoWait(t *testing.T) {
	table := New(memstore.New(nil))
	table.Acquire(sharedtable.Key{1}, 11, 1, 100, 200, 100)
	table.Land(sharedtable.Key{1}, 11, 150, Inactive, denial.Denial{})
	if diff := cmp.Diff(Status{State: Inactive, Since: 150}, table.Status(sharedtable.Key{1}, 0, 151)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if g := table.Acquire(sharedtable.Key{1}, 22, 2, 160, 260, 150); g != Answered {
		t.Errorf("who looked before came to %d, want answered", g)
	}
}

func TestALeaseEnds(t *testing.T) {
	store := memstore.New(nil)
	one, other := New(store), New(store)
	k := sharedtable.Key{1}
	one.Acquire(k, 11, 1, 100, 200, never)
	if !one.Renew(k, 11, 190, 290) || other.Renew(k, 22, 190, 290) {
		t.Error("the holder, and nobody else, renews")
	}
	if g := other.Acquire(k, 22, 2, 289, 389, never); g != Joined {
		t.Errorf("before the end: %d", g)
	}
	if s := other.Status(k, 0, 290); s.State != Free {
		t.Errorf("at the end: state %d, want free", s.State)
	}
	if g := other.Acquire(k, 22, 2, 290, 390, never); g != Granted {
		t.Errorf("at the end: %d, want granted", g)
	}
	if one.Renew(k, 11, 300, 400) || one.Land(k, 11, 300, Landed, denial.Denial{}) != nil {
		t.Error("who lost the lease went on with it")
	}
	if s := other.Status(k, 0, 300); s.State != Held {
		t.Errorf("state %d: the old holder ended the new one's flight", s.State)
	}
}

func TestAClockThatGoesBackFreesALease(t *testing.T) {
	table := New(memstore.New(nil))
	table.Acquire(sharedtable.Key{1}, 11, 1, 500e9, 501e9, never)
	if g := table.Acquire(sharedtable.Key{1}, 22, 2, 100e9, 101e9, never); g != Granted {
		t.Errorf("came to %d, want granted: that lease ends in 401 seconds", g)
	}
}

// TestWhoeverHoldsItWakesThoseWhoWait: those who waited for a holder that died are known to the one that came after it.
func TestWhoeverHoldsItWakesThoseWhoWait(t *testing.T) {
	table := New(memstore.New(nil))
	table.Acquire(sharedtable.Key{1}, 11, 1, 100, 200, never)
	table.Acquire(sharedtable.Key{1}, 22, 2, 110, 210, never)
	if g := table.Acquire(sharedtable.Key{1}, 33, 3, 250, 350, never); g != Granted {
		t.Fatalf("after the lease: %d, want granted", g)
	}
	for range 2 {
		if s := table.Status(sharedtable.Key{1}, 2, 260); s.State != Held {
			t.Fatalf("state %d, want held", s.State)
		}
	}
	if wake := table.Land(sharedtable.Key{1}, 33, 300, Landed, denial.Denial{}); !slices.Equal(wake, []uint32{2}) {
		t.Errorf("wakes %v, want 2", wake)
	}
}

func TestNoRoom(t *testing.T) {
	table := New(memstore.New(nil))
	for i := range byte(perBucket) {
		if g := table.Acquire(sharedtable.Key{31: i + 1}, 11, 1, 100, 200, never); g != Granted {
			t.Fatalf("flight %d: %d", i, g)
		}
	}
	if g := table.Acquire(sharedtable.Key{31: 99}, 11, 1, 150, 250, never); g != Alone {
		t.Errorf("a flight without room came to %d, want alone", g)
	}
	table.Land(sharedtable.Key{31: 2}, 11, 150, Landed, denial.Denial{})
	if g := table.Acquire(sharedtable.Key{31: 99}, 11, 1, 160, 260, never); g != Granted {
		t.Errorf("with the room of one that landed: %d, want granted", g)
	}
}

func TestWaitersAreBounded(t *testing.T) {
	table := New(memstore.New(nil))
	table.Acquire(sharedtable.Key{1}, 11, 0, 100, 200, never)
	for i := range uint32(3 * MaxWaiters) {
		if g := table.Acquire(sharedtable.Key{1}, uint64(100+i), i+1, 110, 210, never); g != Joined {
			t.Fatalf("waiter %d: %d", i, g)
		}
	}
	if n := len(table.Land(sharedtable.Key{1}, 11, 150, Landed, denial.Denial{})); n != MaxWaiters {
		t.Errorf("wakes %d, want %d", n, MaxWaiters)
	}
}

func TestAHostThatFailsLeavesEachAlone(t *testing.T) {
	table := New(memstore.New(func(memstore.Operation, string) error { return errors.New("the host failed") }))
	if g := table.Acquire(sharedtable.Key{1}, 11, 1, 100, 200, never); g != Alone {
		t.Errorf("came to %d, want alone", g)
	}
	if table.Renew(sharedtable.Key{1}, 11, 100, 200) || table.Land(sharedtable.Key{1}, 11, 100, Landed, denial.Denial{}) != nil || table.Status(sharedtable.Key{1}, 0, 100).State != Free {
		t.Error("a host that fails answered")
	}
}

// FuzzEntry: whatever lies in shared data, nothing panics, and a flight that can never end is none.
func FuzzEntry(f *testing.F) {
	f.Add(make([]byte, entrySize), int64(100))
	held := make([]byte, entrySize)
	write(held, Held, 1, 200)
	f.Add(held, int64(100))
	f.Fuzz(func(t *testing.T, data []byte, now int64) {
		e := make([]byte, entrySize)
		copy(e, data)
		if s := status(e, now); s.State > Failed || s.State == Held && (now >= s.Since || s.Since-now > maxLease) {
			t.Fatalf("state %d, since %d, now %d", s.State, s.Since, now)
		}
		join(e, 7)
		if binary.BigEndian.Uint32(e[waitersAt:]) != 7 && e[countAt] == 1 {
			t.Fatal("joined and not noted")
		}
	})
}

// TestNeverTwoHolders: whatever several workers do at whatever times, nobody is granted a lease that somebody else holds.
func TestNeverTwoHolders(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := New(memstore.New(nil))
		type held struct {
			owner uint64
			until int64
		}
		model := map[sharedtable.Key]held{}
		now := int64(1000)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			k := sharedtable.Key{31: byte(rapid.IntRange(1, 3).Draw(t, "key"))}
			owner := uint64(rapid.IntRange(1, 4).Draw(t, "owner"))
			until := now + rapid.Int64Range(1, 100).Draw(t, "lease")
			h, has := model[k]
			free := !has || now >= h.until
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				g := table.Acquire(k, owner, uint32(owner), now, until, never)
				if want := map[bool]Grant{true: Granted, false: Joined}[free || h.owner == owner]; g != want {
					t.Fatalf("owner %d came to %d, want %d: held by %d until %d, now %d", owner, g, want, h.owner, h.until, now)
				}
				if g == Granted {
					model[k] = held{owner, until}
				}
			case 1:
				if got, want := table.Renew(k, owner, now, until), has && h.owner == owner; got != want {
					t.Fatalf("renewed %v, want %v", got, want)
				} else if got {
					model[k] = held{owner, until}
				}
			case 2:
				table.Land(k, owner, now, Landed, denial.Denial{})
				if has && h.owner == owner {
					delete(model, k)
				}
			case 3:
				now += rapid.Int64Range(0, 80).Draw(t, "passes")
			}
		}
	})
}

package answers

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

func claims(subject string) *pipeline.Claims {
	return &pipeline.Claims{
		Active: true, Expires: 1_800_000_000, NotBefore: 5, Issuer: "https://dev.okta.com/oauth2/default", ClientID: "0oa1portal",
		Subject: subject, TokenType: "Bearer", Audience: []string{"api://default", "b"}, Scopes: []string{"customers.read"}, SenderConstrained: true,
	}
}

func good(subject string, stored, until, gone int64) Record {
	return Record{Claims: claims(subject), Stored: stored, Until: until, Gone: gone}
}

// withoutMark is for answers as they were put in.
var withoutMark = cmpopts.IgnoreUnexported(Record{})

func TestActive(t *testing.T) {
	store := memstore.New(nil)
	one, other := New(store, 8), New(store, 8) // two workers
	k := sharedtable.Key{1}
	if _, ok := one.Active(k, 100); ok {
		t.Fatal("an empty table knows something")
	}
	want := good("jane", 100, 200, 300)
	if !one.PutActive(k, want) {
		t.Fatal("not stored")
	}
	for now, known := range map[int64]bool{99: false, 100: true, 199: true, 250: true, 299: true, 300: false} {
		got, ok := other.Active(k, now)
		if ok != known {
			t.Errorf("at %d: known %v, want %v", now, ok, known)
		}
		if ok {
			if diff := cmp.Diff(want, got, withoutMark); diff != "" {
				t.Errorf("at %d (-want +got):\n%s", now, diff)
			}
		}
	}
	if err := other.Evict(k); err != nil {
		t.Fatal(err)
	}
	if _, ok := one.Active(k, 150); ok {
		t.Error("known after the other worker evicted it")
	}
}

// An answer that is still where it was found is told from one that anybody wrote to since.
func TestUnchanged(t *testing.T) {
	k, neighbour := sharedtable.Key{0, 0, 0, 0, 1}, sharedtable.Key{0, 0, 0, 0, 2}
	for _, tt := range []struct {
		name   string
		change func(other *Table)
		want   bool
	}{
		{"nothing happened", func(*Table) {}, true},
		{"read by another worker", func(o *Table) { o.Active(k, 150) }, true},
		{"written elsewhere", func(o *Table) { o.PutActive(sharedtable.Key{0, 0, 0, 1}, good("joe", 100, 200, 300)) }, true},
		{"evicted", func(o *Table) { _ = o.Evict(k) }, false},
		{"put again", func(o *Table) { o.PutActive(k, good("jane", 100, 200, 300)) }, false},
		{"a neighbour came", func(o *Table) { o.PutActive(neighbour, good("joe", 100, 200, 300)) }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store := memstore.New(nil)
			one, other := New(store, 8), New(store, 8)
			mine := good("jane", 100, 200, 300)
			one.PutActive(k, mine)
			if one.Unchanged(&mine) {
				t.Error("an answer that was not read is said to be unchanged")
			}
			found, ok := one.Active(k, 150)
			if !ok {
				t.Fatal("not stored")
			}
			tt.change(other)
			if got := one.Unchanged(&found); got != tt.want {
				t.Errorf("unchanged %v, want %v", got, tt.want)
			}
		})
	}
}

func TestInactiveHasATableOfItsOwn(t *testing.T) {
	table := New(memstore.New(nil), 4)
	keep := sharedtable.Key{0, 0, 0, 0, 9}
	table.PutActive(keep, good("jane", 100, 200, 200))
	for i := range uint32(100_000) {
		var k sharedtable.Key
		binary.BigEndian.PutUint32(k[:], i) // every bucket
		k[31] = 1
		table.PutInactive(k, 100, 110)
	}
	if a, ok := table.Active(keep, 150); !ok || a.Claims.Subject != "jane" {
		t.Error("garbage pushed out a good answer")
	}
	table.PutInactive(sharedtable.Key{7}, 100, 110)
	for now, want := range map[int64]bool{99: false, 100: true, 109: true, 110: false} {
		if _, got := table.Inactive(sharedtable.Key{7}, now, 1<<60); got != want {
			t.Errorf("at %d: inactive %v, want %v", now, got, want)
		}
	}
	err := table.EvictInactive(sharedtable.Key{7})
	if _, inactive := table.Inactive(sharedtable.Key{7}, 105, 1<<60); inactive || err != nil {
		t.Errorf("still inactive after it was evicted: %v", err)
	}
}

// The store has no way to free a key, so the number of keys is what may never grow.
func TestMemoryIsFixed(t *testing.T) {
	keys, bytes := map[string]bool{}, 0
	store := memstore.New(func(_ memstore.Operation, key string) error { keys[key] = true; return nil })
	table := New(store, 64)
	for i := range uint32(20_000) {
		var k sharedtable.Key
		binary.BigEndian.PutUint32(k[:], i*2654435761)
		binary.BigEndian.PutUint32(k[28:], i+1)
		table.PutActive(k, good("subject", int64(i), int64(i)+100, int64(i)+100))
		table.PutInactive(k, int64(i), int64(i)+100)
	}
	for k := range keys {
		v, _, err := store.Get(k)
		if err != nil {
			t.Fatal(err)
		}
		bytes += len(v)
	}
	if len(keys) != 16+4 {
		t.Errorf("%d keys of the host, want 20", len(keys))
	}
	t.Logf("64 entries each: %d keys, %d bytes", len(keys), bytes)
}

func TestAFullBucketGivesUpTheOldest(t *testing.T) {
	table := New(memstore.New(nil), 1)
	for i := range byte(activePerBucket) {
		table.PutActive(sharedtable.Key{31: i + 1}, good("x", 100+int64(i), 1000, 1000))
	}
	table.PutActive(sharedtable.Key{31: 99}, good("new", 200, 1000, 1000))
	for i := range byte(activePerBucket) {
		if _, ok := table.Active(sharedtable.Key{31: i + 1}, 300); ok != (i > 0) {
			t.Errorf("entry %d is known: %v", i, ok)
		}
	}
	// What is gone goes first, whenever it was stored.
	table.PutActive(sharedtable.Key{31: 2}, good("x", 300, 301, 301))
	table.PutActive(sharedtable.Key{31: 77}, good("newer", 400, 1000, 1000))
	for key, want := range map[byte]bool{2: false, 3: true, 4: true, 77: true, 99: true} {
		if _, ok := table.Active(sharedtable.Key{31: key}, 500); ok != want {
			t.Errorf("key %d is known: %v, want %v", key, ok, want)
		}
	}
}

func TestLongClaimsAreNotShared(t *testing.T) {
	table := New(memstore.New(nil), 8)
	c := claims(strings.Repeat("s", maxClaims))
	if table.PutActive(sharedtable.Key{1}, Record{Claims: c, Stored: 1, Until: 2, Gone: 2}) {
		t.Error("claims that do not fit were stored")
	}
	c.Subject = strings.Repeat("s", 70_000) // whose length has no place in two bytes
	if table.PutActive(sharedtable.Key{1}, Record{Claims: c, Stored: 1, Until: 2, Gone: 2}) {
		t.Error("a subject of 70,000 bytes was stored")
	}
	c = claims("s")
	c.Scopes = make([]string, 300)
	if table.PutActive(sharedtable.Key{1}, Record{Claims: c, Stored: 1, Until: 2, Gone: 2}) {
		t.Error("300 scopes were stored")
	}
}

func TestAHostThatFailsKnowsNothing(t *testing.T) {
	broken := false
	store := memstore.New(nil)
	table := New(failing{store, &broken}, 8)
	table.PutActive(sharedtable.Key{1}, good("x", 1, 100, 100))
	table.PutInactive(sharedtable.Key{2}, 1, 100)
	broken = true
	_, inactive := table.Inactive(sharedtable.Key{2}, 50, 1<<60)
	if _, ok := table.Active(sharedtable.Key{1}, 50); ok || inactive || table.Evict(sharedtable.Key{1}) == nil || table.PutActive(sharedtable.Key{3}, good("x", 1, 100, 100)) {
		t.Error("a host that fails answered")
	}
}

type failing struct {
	*memstore.Store
	broken *bool
}

func (f failing) Get(key string) ([]byte, uint32, error) {
	if *f.broken {
		return nil, 0, errors.New("the host failed")
	}
	return f.Store.Get(key)
}

func TestClaimsRoundTrip(t *testing.T) {
	text := rapid.StringN(0, 20, 40)
	rapid.Check(t, func(t *rapid.T) {
		c := &pipeline.Claims{
			Active: true, Expires: rapid.Int64().Draw(t, "exp"), NotBefore: rapid.Int64().Draw(t, "nbf"), Issuer: text.Draw(t, "iss"),
			ClientID: text.Draw(t, "client"), Subject: text.Draw(t, "sub"), TokenType: text.Draw(t, "type"), SenderConstrained: rapid.Bool().Draw(t, "cnf"),
			OtherKind: rapid.Bool().Draw(t, "kind"),
		}
		for range rapid.IntRange(0, 2).Draw(t, "audiences") {
			c.Audience = append(c.Audience, text.Draw(t, "aud"))
		}
		for range rapid.IntRange(0, 2).Draw(t, "scopes") {
			c.Scopes = append(c.Scopes, text.Draw(t, "scope"))
		}
		b, ok := appendClaims(nil, c)
		if !ok {
			t.Fatal("too long")
		}
		got, ok := decodeClaims(append(b, make([]byte, 7)...)) // an entry has room behind them
		if !ok {
			t.Fatal("not read back")
		}
		if diff := cmp.Diff(c, got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

// FuzzSharedClaims: whatever lies in shared data is claims that are written the same way again, or nothing.
func FuzzSharedClaims(f *testing.F) {
	b, _ := appendClaims(nil, claims("jane"))
	f.Add(b)
	f.Add(b[:len(b)-1])
	f.Add([]byte{0, 1, 1})
	f.Add(make([]byte, activeSize))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, ok := decodeClaims(data)
		if !ok {
			return
		}
		again, ok := appendClaims(nil, c)
		if !ok {
			if len(data) <= activeSize-headSize {
				t.Fatalf("read claims that are too long to have been written")
			}
			return
		}
		back, ok := decodeClaims(again)
		if !ok || cmp.Diff(c, back) != "" {
			t.Fatalf("read %+v, then %+v", c, back)
		}
	})
}

// TestAgreesWithAMap drives two workers and compares with a map: what is known is what was stored last, and what the map
// does not know is not known; a table may forget, for it is full, but a map with as few keys as here is never full.
func TestAgreesWithAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		store := memstore.New(nil)
		workers := []*Table{New(store, 16), New(store, 16)}
		model := map[sharedtable.Key]Record{}
		now := time.Now().UnixNano()
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			w := workers[rapid.IntRange(0, 1).Draw(t, "worker")]
			k := sharedtable.Key{3: byte(rapid.IntRange(0, 3).Draw(t, "key"))}
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				a := good("s", now, now+rapid.Int64Range(1, 50).Draw(t, "good"), now+rapid.Int64Range(50, 90).Draw(t, "gone"))
				w.PutActive(k, a)
				model[k] = a
			case 1:
				if err := w.Evict(k); err != nil {
					t.Fatal(err)
				}
				delete(model, k)
			case 2:
				now += rapid.Int64Range(-20, 60).Draw(t, "passes")
			}
			want, known := model[k]
			known = known && now >= want.Stored && now < want.Gone
			got, ok := w.Active(k, now)
			if ok != known || ok && cmp.Diff(want, got, withoutMark) != "" {
				t.Fatalf("known %v, want %v", ok, known)
			}
		}
	})
}

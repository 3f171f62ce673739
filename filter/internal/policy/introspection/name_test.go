package introspection

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/introspection/answers"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
	"github.com/sallyport-gateway/sallyport/filter/internal/siphash"
)

// differing is 4,096 tokens as long as usual ones, each of which differs from the first in one byte of its middle.
func differing() []string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	tokens := make([]string, 0, 4096)
	for at := range 66 {
		for _, c := range []byte(alphabet[1:]) {
			if len(tokens) < cap(tokens) {
				b := []byte("eyJ" + strings.Repeat("A", 700))
				b[330+at] = c
				tokens = append(tokens, string(b))
			}
		}
	}
	return tokens
}

// TestTokensThatDifferInOneByte: each gets its own claims, in a cache that has room for all and in one that has not,
// whichever way they come.
func TestTokensThatDifferInOneByte(t *testing.T) {
	tokens := differing()
	if len(slices.Compact(slices.Sorted(slices.Values(tokens)))) != 4096 {
		t.Fatal("they are not different")
	}
	for _, entries := range []int{8192, 100} {
		b := newBench(func(o *Options) { o.CacheEntries, o.CacheMaxTTL = entries, time.Hour })
		for round, stride := range []int{1, 1, 1365, 0} {
			for i := range tokens {
				n := i * stride % len(tokens)
				if stride == 0 { // each three times in a row
					n = i / 3
				}
				x := b.arrive(tokens[n])
				if x.verdict == pipeline.Parked {
					b.land(len(b.air.calls)-1, b.active(fmt.Sprint("user", n)))
				}
				x.wantAdmitted(t, fmt.Sprint("user", n))
				if c := b.step.cache; len(c.byKey) > entries || names(c) > len(c.byKey) || c.recent.Len() != len(c.byKey) {
					t.Fatalf("%d entries with %d names", len(c.byKey), names(c))
				}
			}
			if round > 0 && entries >= len(tokens) {
				b.wantCalls(t, len(tokens))
			}
		}
		if c := b.step.cache; names(c) < min(entries, len(tokens))-1 {
			t.Errorf("%d names for %d entries", names(c), entries)
		}
		t.Logf("%d entries: %d calls for %d requests", entries, len(b.air.calls), 4*len(tokens))
	}
}

// TestNameIsAsGoodAsTheKey: whatever comes and goes, a step answers as one does that has forgotten all names.
func TestNameIsAsGoodAsTheKey(t *testing.T) {
	hits := 0
	rapid.Check(t, func(t *rapid.T) {
		seconds := func(label string, n ...int) time.Duration {
			return time.Duration(rapid.SampledFrom(n).Draw(t, label)) * time.Second
		}
		options := func() func(*Options) {
			entries, shared := rapid.IntRange(0, 4).Draw(t, "entries"), rapid.SampledFrom([]int{0, 64}).Draw(t, "shared")
			ttl, ahead, stale := seconds("ttl", 5, 60), seconds("ahead", 0, 3), seconds("stale", 0, 20)
			dpop, required := rapid.Bool().Draw(t, "dpop"), rapid.IntRange(0, 9).Draw(t, "required") == 0
			return func(o *Options) {
				o.CacheEntries, o.SharedEntries, o.CacheMaxTTL, o.RefreshAhead, o.StaleIfError, o.NegativeTTL = entries, shared, ttl, ahead, stale, 3*time.Second
				if dpop {
					withDPoP(o)
					o.Binding.Required = required
				}
			}
		}()
		named, plain := newBench(options), newBench(options)
		both := []*bench{named, plain}
		spellings := []string{"Bearer %s", "Bearer %s", "Bearer %s", "bearer %s", "BEARER   %s", " Bearer %s\t", "DPoP %s", "%s", "Bearer %s,x", "Bearer %s=", "Bearer !%s"}
		answer := func(t *rapid.T, call int) {
			exp := plain.now.Unix() + 9
			a := rapid.SampledFrom([]host.Answer{
				plain.active("jane"), plain.active("jane"), plain.active("jane"), answered(200, `{"active":false}`), answered(500, ""),
				answered(200, fmt.Sprintf(`{"active":true,"sub":"k","exp":%d,"cnf":{"jkt":"x"}}`, exp)),
			}).Draw(t, "answer")
			for _, b := range both {
				if b.air.calls[call].land != nil {
					b.land(call, a)
					b.air.calls[call].land = nil
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"request": func(t *rapid.T) {
				token := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "token")
				values := []string{fmt.Sprintf(rapid.SampledFrom(spellings).Draw(t, "spelling"), token)}
				if rapid.IntRange(0, 9).Draw(t, "twice") == 0 {
					values = append(values, values[0])
				}
				query := rapid.SampledFrom([]string{"", "", "", "a=b", "access%5ftoken=a", "access_token="}).Draw(t, "query")
				for range rapid.IntRange(1, 4).Draw(t, "times") {
					forgetNames(plain.step.cache)
					if len(values) == 1 && query == "" && named.step.cache.named(named.step.names.Sum(values[0])) != nil {
						hits++
					}
					said, parked := [2]string{}, false
					for i, b := range both {
						x := &exchange{Exchange: withAuthorization(query, values...), run: b.seq.Begin()}
						x.verdict = x.run.Advance(x.Exchange, b.now.UnixNano(), func() {})
						said[i] = fmt.Sprintf("%v %+v %q %+v", x.verdict, x.run.Denial(), x.DPoP, x.Token)
						parked = x.verdict == pipeline.Parked
					}
					if diff := cmp.Diff(said[1], said[0]); diff != "" {
						t.Fatalf("%q with query %q, without names and with them:\n%s", values, query, diff)
					}
					if parked {
						answer(t, len(plain.air.calls)-1)
					}
				}
			},
			"answer": func(t *rapid.T) {
				if len(plain.air.calls) == 0 {
					return
				}
				answer(t, len(plain.air.calls)-1-rapid.IntRange(0, min(3, len(plain.air.calls)-1)).Draw(t, "call"))
			},
			"time": func(t *rapid.T) {
				d := time.Duration(rapid.SampledFrom([]int{0, 100, 900, 1000, 2500, 61_000, -500, -5000}).Draw(t, "ms")) * time.Millisecond
				for _, b := range both {
					b.now = b.now.Add(d)
				}
			},
			"": func(t *rapid.T) {
				bodies := [2][]string{}
				for i, b := range both {
					for _, c := range b.air.calls {
						bodies[i] = append(bodies[i], string(c.Body))
					}
					if c := b.step.cache; names(c) > len(c.byKey) || c.recent.Len() != len(c.byKey) {
						t.Fatalf("%d entries, %d names", len(c.byKey), names(c))
					}
				}
				if diff := cmp.Diff(bodies[1], bodies[0]); diff != "" {
					t.Fatalf("calls (-without +with):\n%s", diff)
				}
				if diff := cmp.Diff(plain.counted, named.counted); diff != "" {
					t.Fatalf("counters (-without +with):\n%s", diff)
				}
			},
		})
	})
	if hits < 20 {
		t.Errorf("%d requests were found by their name, which says nothing", hits)
	}
	t.Logf("%d requests were found by their name", hits)
}

// TestNamesAgreeWithModel: a name leads to the entry that was last given it, for as long as that is there under its key,
// also where names have a half in common.
func TestNamesAgreeWithModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 4).Draw(t, "limit")
		c, now := newVMCache(limit, time.Minute), start
		model := map[siphash.Sum]sharedtable.Key{} // of names
		anyKey := func(t *rapid.T) sharedtable.Key { return sharedtable.Key{byte(rapid.IntRange(0, 6).Draw(t, "key"))} }
		anyName := func(t *rapid.T) siphash.Sum {
			return siphash.Sum{rapid.Uint64Range(0, 2).Draw(t, "first"), rapid.Uint64Range(0, 3).Draw(t, "second")}
		}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				k := anyKey(t)
				c.put(k, &pipeline.Claims{Active: rapid.Bool().Draw(t, "active"), Expires: now.Unix() + 20, Subject: fmt.Sprint(k)}, now.UnixNano())
				for name, of := range model {
					if of == k {
						delete(model, name)
					}
				}
			},
			"rename": func(t *rapid.T) {
				k, name := anyKey(t), anyName(t)
				e, _ := c.find(k, now.UnixNano())
				if e == nil {
					return
				}
				for other, of := range model {
					if of == k || other == name {
						delete(model, other)
					}
				}
				if old := c.named(name); old != nil { // as if two headers had one name, which they never have
					c.rename(old, siphash.Sum{})
				}
				c.rename(e, name)
				if name != (siphash.Sum{}) {
					model[name] = k
				}
			},
			"use": func(t *rapid.T) {
				if e := c.named(anyName(t)); e != nil {
					if e, good := c.use(e, now.UnixNano()); good && now.UnixNano() >= e.Until {
						t.Fatalf("%+v is said to be good at %v", e, now)
					}
				}
			},
			"time": func(*rapid.T) { now = now.Add(time.Second) },
			"": func(t *rapid.T) {
				for first := range uint64(3) {
					for second := range uint64(4) {
						name := siphash.Sum{first, second}
						k, want := model[name]
						e := c.named(name)
						if want = want && c.byKey[k] != nil; want != (e != nil) {
							t.Fatalf("name %v leads to %v, the model says %v, %v", name, e, k, want)
						}
						if want && (e.key != k || e.place != c.byKey[k] || e.Claims.Subject != fmt.Sprint(k)) {
							t.Fatalf("name %v leads to another entry than %v", name, k)
						}
					}
				}
				if names(c.cache) > len(c.byKey) || len(c.byKey) > limit {
					t.Fatalf("%d names of %d entries", names(c.cache), len(c.byKey))
				}
			},
		})
	})
}

// TestChainsGrowWithEntries: there is one for each entry, however many there are, and room only for those that came.
func TestChainsGrowWithEntries(t *testing.T) {
	const limit, most = 5000, 12 // the longest of so many chains has 7 entries with near certainty
	c, hash := newCache(limit), siphash.NewKey()
	for i := range 2 * limit {
		e := &entry{key: sharedtable.Key{byte(i), byte(i >> 8)}, Record: answers.Record{Claims: &pipeline.Claims{}}}
		c.put(e)
		c.rename(e, hash.Sum(fmt.Sprint(i)))
		if want := min(i+1, limit); len(c.names) != want || names(c) != want {
			t.Fatalf("%d chains with %d entries, want %d", len(c.names), names(c), want)
		}
	}
	for i := range 2 * limit {
		if e, want := c.named(hash.Sum(fmt.Sprint(i))), i >= limit; want != (e != nil && e.key == sharedtable.Key{byte(i), byte(i >> 8)}) {
			t.Fatalf("entry %d: %+v", i, e)
		}
	}
	for i, e := range c.names {
		n := 0
		for ; e != nil; e = e.next {
			n++
		}
		if n > most {
			t.Errorf("chain %d has %d entries", i, n)
		}
	}
}

// names counts those that lead somewhere.
func names(c *cache) (n int) {
	for _, e := range c.names {
		for ; e != nil; e = e.next {
			n++
		}
	}
	return n
}

func forgetNames(c *cache) {
	for _, element := range c.byKey {
		c.unname(element.Value.(*entry))
	}
}

// known has a token come until it is found by its name.
func (b *bench) known(t *testing.T, token, subject string) {
	t.Helper()
	for range 3 {
		if x := b.arrive(token); x.verdict == pipeline.Parked {
			b.land(len(b.air.calls)-1, b.active(subject))
			x.wantAdmitted(t, subject)
		} else {
			x.wantAdmitted(t, subject)
		}
	}
	if b.step.cache.named(b.step.names.Sum("Bearer "+token)) == nil {
		t.Fatal("the token has no name")
	}
}

// TestNamesKeepToTheLimitsOfTheirStep: one token, two steps over one host, each believes it for as long as it may.
func TestNamesKeepToTheLimitsOfTheirStep(t *testing.T) {
	store := memstore.New(nil)
	with := func(ttl time.Duration) *bench {
		return newBenchOn(store, host.NoPeers{}, 0, func(o *Options) { o.SharedEntries, o.CacheMaxTTL = 64, ttl })
	}
	long, short := with(time.Minute), with(10*time.Second)
	long.known(t, "abc", "jane")
	short.known(t, "abc", "jane")
	short.wantCalls(t, 0)
	for _, b := range []*bench{long, short} {
		b.now = b.now.Add(10*time.Second - 1)
		b.arrive("abc").wantAdmitted(t, "jane")
		b.now = b.now.Add(1)
	}
	long.arrive("abc").wantAdmitted(t, "jane")
	short.arrive("abc").wantParked(t)
	long.now = long.now.Add(49 * time.Second)
	long.arrive("abc").wantAdmitted(t, "jane")
	long.now = long.now.Add(time.Second)
	long.arrive("abc").wantParked(t)
}

// TestNameOfRevokedToken: it leads nowhere a second after another VM has learned that the token is not active, and at
// once in the VM
// that has.
func TestNameOfRevokedToken(t *testing.T) {
	store := memstore.New(nil)
	with := func(o *Options) { o.SharedEntries, o.NegativeTTL = 64, time.Minute }
	one, other := newBenchOn(store, host.NoPeers{}, 0, with), newBenchOn(store, host.NoPeers{}, 0, with)
	one.known(t, "abc", "jane")
	other.known(t, "abc", "jane")
	other.wantCalls(t, 0)
	one.step.remember(&call{key: one.step.keys.of("abc"), valid: always}, inactiveToken, one.now.UnixNano())
	one.arrive("abc").wantDenied(t, denial.Denial{Reason: denial.TokenInactive})
	other.now = other.now.Add(RecheckEvery - 1)
	other.arrive("abc").wantAdmitted(t, "jane")
	other.now = other.now.Add(1)
	other.arrive("abc").wantDenied(t, denial.Denial{Reason: denial.TokenInactive})
	if names(one.step.cache)+names(other.step.cache) != 0 {
		t.Error("a name is left")
	}
	if one.step.shared.answers.Holds(one.step.keys.of("abc"), one.now.UnixNano()) {
		t.Error("the token is still shared")
	}
}

// TestNameRefreshesAhead: the call that nobody waits for has the token, also when it is sent again after the request's
// memory has become another one's.
func TestNameRefreshesAhead(t *testing.T) {
	b := newBench(func(o *Options) { o.RefreshAhead, o.Retry = 10*time.Second, true })
	b.known(t, "abc", "jane")
	b.wantCalls(t, 1)
	b.now = b.now.Add(55 * time.Second)
	memory := []byte("Bearer abc")
	x := &exchange{Exchange: withAuthorization("", unsafe.String(&memory[0], len(memory))), run: b.seq.Begin()}
	x.verdict = x.run.Advance(x.Exchange, b.now.UnixNano(), func() {})
	x.wantAdmitted(t, "jane")
	b.wantCalls(t, 2)
	copy(memory, "Bearer xyz")
	b.land(1, host.Answer{Failure: host.NoConnection})
	b.wantCalls(t, 3)
	for _, c := range b.air.calls {
		if !strings.Contains(string(c.Body), "token=abc&") {
			t.Errorf("asked about %q", c.Body)
		}
	}
	b.land(2, b.active("jane"))
	b.now = b.now.Add(30 * time.Second)
	b.arrive("abc").wantAdmitted(t, "jane")
	b.wantCalls(t, 3)
}

// TestNameHidesTheToken: neither it nor its header is kept with its name.
func TestNameHidesTheToken(t *testing.T) {
	b := newBench(nil)
	b.known(t, "a-very-private-token", "jane")
	if kept := fmt.Sprintf("%+v", *b.step.cache.names[b.step.names.Sum("Bearer a-very-private-token")[0]&uint64(len(b.step.cache.names)-1)]); strings.Contains(kept, "private") {
		t.Errorf("kept: %s", kept)
	}
}

package jwks

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/jose"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

var options = Options{Cluster: "okta", Authority: "idp.example", Path: "/keys", Timeout: time.Second, Refresh: time.Hour, MaxAge: 24 * time.Hour}

// issuer makes keys by their ids and answers for them.
type issuer map[string]*ecdsa.PrivateKey

func (i issuer) answer(t interface{ Fatal(...any) }, ids ...string) host.Answer {
	set := gojose.JSONWebKeySet{}
	for _, id := range ids {
		if i[id] == nil {
			k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			i[id] = k
		}
		set.Keys = append(set.Keys, gojose.JSONWebKey{Key: i[id].Public(), KeyID: id})
	}
	body, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return host.Answer{Failure: host.NoFailure, Status: 200, Body: body, BodySize: len(body)}
}

// vm is one VM with its keys; the store may be shared with others.
type vm struct {
	keys  *Keys
	calls []func(int64, host.Answer)
	warns []string
	now   time.Time
}

func newVM(store *memstore.Store) *vm {
	v := &vm{now: time.Unix(1_800_000_000, 0)}
	v.keys = New(options, host.Ports{
		Store: store,
		Dispatcher: func(_ host.Callout, land func(int64, host.Answer)) host.Failure {
			v.calls = append(v.calls, land)
			return host.NoFailure
		},
		Metrics: host.NoMetrics{},
		Warn:    func(line string) { v.warns = append(v.warns, line) },
	})
	return v
}

// asked is one token whose key is looked for.
type asked struct {
	outcome pipeline.Outcome
	now     func() time.Time
}

func (v *vm) ask(id string) asked {
	h := &jose.Header{Algorithm: jose.ES256, KeyID: id}
	return asked{v.keys.Find(&pipeline.Exchange{Now: v.now.UnixNano()}, h, func(*pipeline.Exchange, *jose.PublicKey) pipeline.Outcome {
		return pipeline.Continue()
	}), func() time.Time { return v.now }}
}

// is tells how the question ended: "found", "waits" or the reason.
func (a asked) is() string {
	o := a.outcome
	if f := o.Flight(); f != nil {
		if !f.Landed() {
			return "waits"
		}
		o = o.Resume(&pipeline.Exchange{Now: a.now().UnixNano()})
	}
	if d, denied := o.Denial(); denied {
		return d.Reason.String()
	}
	return "found"
}

func (a asked) want(t *testing.T, want string) {
	t.Helper()
	if got := a.is(); got != want {
		t.Fatalf("%s, want %s", got, want)
	}
}

func (v *vm) land(a host.Answer) {
	last := len(v.calls) - 1
	v.calls[last](v.now.UnixNano(), a)
}

func (v *vm) wantCalls(t *testing.T, want int) {
	t.Helper()
	if len(v.calls) != want {
		t.Fatalf("%d calls, want %d", len(v.calls), want)
	}
}

var down = host.Answer{Failure: host.Unreachable}

func TestManyTokensMakeOneCall(t *testing.T) {
	v, i := newVM(memstore.New(nil)), issuer{}
	var all []asked
	for range 100 {
		all = append(all, v.ask("a"))
	}
	v.wantCalls(t, 1)
	v.land(i.answer(t, "a"))
	for _, a := range all {
		a.want(t, "found")
	}
	v.ask("a").want(t, "found")
	v.wantCalls(t, 1)
}

func TestInventedKeysAreAskedForAtABoundedRate(t *testing.T) {
	v, i := newVM(memstore.New(nil)), issuer{}
	v.ask("a")
	v.land(i.answer(t, "a"))
	start := len(v.calls)
	for n := range 600 { // a minute, ten tokens a second, each with a key of its own
		a := v.ask("invented" + strings.Repeat("x", n%7))
		if a.outcome.Flight() != nil {
			v.land(i.answer(t, "a"))
		}
		a.want(t, "token.key_unknown")
		v.now = v.now.Add(100 * time.Millisecond)
	}
	v.wantCalls(t, start+6)
	v.ask("a").want(t, "found")
}

func TestANewKeyIsFetchedWhenATokenNamesIt(t *testing.T) {
	v, i := newVM(memstore.New(nil)), issuer{}
	v.ask("a")
	v.land(i.answer(t, "a"))
	b := v.ask("b")
	b.want(t, "waits")
	v.ask("a").want(t, "found") // the others do not wait
	v.land(i.answer(t, "b"))
	b.want(t, "found")
	v.ask("a").want(t, "token.key_unknown")
}

func TestOldKeysAreFetchedInTheBackground(t *testing.T) {
	v, i := newVM(memstore.New(nil)), issuer{}
	v.ask("a")
	v.land(i.answer(t, "a"))
	v.now = v.now.Add(options.Refresh - 1)
	v.ask("a").want(t, "found")
	v.wantCalls(t, 1)
	v.now = v.now.Add(1)
	v.ask("a").want(t, "found")
	v.ask("a").want(t, "found")
	v.wantCalls(t, 2)
	v.land(i.answer(t, "a"))
	v.ask("a").want(t, "found")
	v.wantCalls(t, 2)
}

func TestTheIssuerMayShortenTheKeysLife(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"max-age=120": 2 * time.Minute, "public, MAX-AGE=120, must-revalidate": 2 * time.Minute,
		"max-age=1": minLife, "max-age=3832304": options.Refresh, "max-age=99999999999": options.Refresh,
		"": options.Refresh, "no-store": options.Refresh, "max-age=-1": options.Refresh, "max-age": options.Refresh,
	} {
		v, i := newVM(memstore.New(nil)), issuer{}
		v.ask("a")
		a := i.answer(t, "a")
		a.Headers = []host.Header{{Name: "cache-control", Value: value}}
		v.land(a)
		v.now = v.now.Add(want - 1)
		v.ask("a").want(t, "found")
		v.wantCalls(t, 1)
		v.now = v.now.Add(1)
		v.ask("a").want(t, "found")
		v.wantCalls(t, 2)
	}
}

func TestKeysAreUsedThroughAnOutageForABoundedTime(t *testing.T) {
	v, i := newVM(memstore.New(nil)), issuer{}
	v.ask("a")
	v.land(i.answer(t, "a"))
	start := v.now
	for v.now = start.Add(options.Refresh); v.now.Before(start.Add(options.MaxAge)); v.now = v.now.Add(10 * time.Minute) {
		before := len(v.calls)
		v.ask("a").want(t, "found")
		if len(v.calls) > before {
			v.land(down)
		}
		unknown := v.ask("b")
		unknown.want(t, "jwks.unavailable")
		v.wantCalls(t, before+1) // the failure holds the next one back
	}
	if len(v.warns) == 0 || !strings.Contains(v.warns[0], "3600 s ago") {
		t.Errorf("warnings %q", v.warns)
	}
	v.now = start.Add(options.MaxAge)
	a := v.ask("a")
	a.want(t, "waits")
	v.land(down)
	a.want(t, "jwks.unavailable")
	before := len(v.calls)
	v.ask("a").want(t, "jwks.unavailable")
	v.wantCalls(t, before)
	v.now = v.now.Add(failureInterval)
	a = v.ask("a")
	v.land(i.answer(t, "a"))
	a.want(t, "found")
}

func TestAnotherVMsKeysAreTakenOver(t *testing.T) {
	store, i := memstore.New(nil), issuer{}
	one, two := newVM(store), newVM(store)
	one.ask("a")
	one.land(i.answer(t, "a"))
	two.now = one.now.Add(time.Second)
	two.ask("a").want(t, "found")
	two.wantCalls(t, 0)

	one.now = one.now.Add(time.Minute)
	one.ask("b")
	one.land(i.answer(t, "a", "b"))
	two.now = one.now
	two.ask("b").want(t, "found")
	two.wantCalls(t, 0)
}

func TestSharedKeysOutliveAConfiguration(t *testing.T) {
	store, i := memstore.New(nil), issuer{}
	one := newVM(store)
	one.ask("a")
	one.land(i.answer(t, "a"))
	two := newVM(store)
	two.now = one.now.Add(options.MaxAge - time.Second)
	two.ask("a").want(t, "found")
	two.wantCalls(t, 1) // they are old, so new ones are on their way
	two.land(down)
	two.ask("a").want(t, "found")
	three := newVM(store)
	three.now = one.now.Add(options.MaxAge)
	three.ask("a").want(t, "waits")
}

func TestSharedDataThatIsDamagedIsNotUsed(t *testing.T) {
	i := issuer{}
	good := i.answer(t, "a").Body
	head := func(fetched time.Time, life time.Duration) []byte {
		var s shared
		store := memstore.New(nil)
		s.store, s.key = store, "k"
		s.write(document{fetched: fetched.UnixNano(), life: life})
		b, _, _ := store.Get("k")
		return b
	}
	now := newVM(memstore.New(nil)).now
	for name, value := range map[string][]byte{
		"empty":              {},
		"cut in its head":    head(now, time.Hour)[:headSize-1],
		"no keys":            head(now, time.Hour),
		"damaged":            append(head(now, time.Hour), good[1:]...),
		"too long":           append(append(head(now, time.Hour), good...), []byte(strings.Repeat(" ", MaxBytes))...),
		"from the future":    append(head(now.Add(time.Second), time.Hour), good...),
		"from long ago":      append(head(now.Add(-options.MaxAge), time.Hour), good...),
		"from the beginning": append(head(time.Unix(0, 0), time.Hour), good...),
	} {
		t.Run(name, func(t *testing.T) {
			store := memstore.New(nil)
			v := newVM(store)
			if err := store.Set(v.keys.shared.key, value, 0); err != nil {
				t.Fatal(err)
			}
			v.ask("a").want(t, "waits")
		})
	}
	store := memstore.New(nil)
	v := newVM(store)
	if err := store.Set(v.keys.shared.key, append(head(now, -time.Hour), good...), 0); err != nil {
		t.Fatal(err)
	}
	v.ask("a").want(t, "found")
	v.wantCalls(t, 0) // a life below none does not make us ask all the time
}

func TestAFetchWhoseEndIsNeverToldIsReplaced(t *testing.T) {
	v, i := newVM(memstore.New(nil)), issuer{}
	lost := v.ask("a")
	v.now = v.now.Add(options.Timeout + staleMargin)
	v.ask("a").want(t, "waits")
	v.wantCalls(t, 1)
	v.now = v.now.Add(1)
	next := v.ask("a")
	v.wantCalls(t, 2)
	v.calls[0](v.now.UnixNano(), down) // late, and replaced: it says nothing
	lost.want(t, "jwks.unavailable")
	next.want(t, "waits")
	v.land(i.answer(t, "a"))
	next.want(t, "found")
	v.calls[1](v.now.UnixNano(), down)
	v.ask("a").want(t, "found")
}

func TestWaitersAreBounded(t *testing.T) {
	v := newVM(memstore.New(nil))
	seq := pipeline.NewSequence(stepFunc(func(x *pipeline.Exchange) pipeline.Outcome {
		return v.keys.Find(x, &jose.Header{Algorithm: jose.ES256, KeyID: "a"}, func(*pipeline.Exchange, *jose.PublicKey) pipeline.Outcome { return pipeline.Continue() })
	}))
	parked := 0
	for range maxWaiters + 10 {
		run := seq.Begin()
		if run.Advance(&pipeline.Exchange{}, v.now.UnixNano(), func() {}) == pipeline.Parked {
			parked++
		} else if r := run.Denial().Reason; r != denial.IntrospectionOverloaded {
			t.Fatalf("refused for %s", r)
		}
	}
	if parked != maxWaiters {
		t.Errorf("%d wait", parked)
	}
	v.wantCalls(t, 1)
}

type stepFunc func(*pipeline.Exchange) pipeline.Outcome

func (f stepFunc) Name() string                                { return "f" }
func (f stepFunc) Apply(x *pipeline.Exchange) pipeline.Outcome { return f(x) }

func TestJudge(t *testing.T) {
	good := issuer{}.answer(t, "a")
	with := func(change func(*host.Answer)) host.Answer {
		a := good
		change(&a)
		return a
	}
	for name, tt := range map[string]struct {
		answer host.Answer
		want   denial.Reason
	}{
		"an answer nobody filled in": {host.Answer{}, denial.Internal},
		"no such cluster":            {host.Answer{Failure: host.UnknownCluster}, denial.IntrospectionUnknownCluster},
		"timeout":                    {host.Answer{Failure: host.TimedOut}, denial.JWKSUnavailable},
		"503":                        {with(func(a *host.Answer) { a.Status = 503 }), denial.JWKSUnavailable},
		"429":                        {with(func(a *host.Answer) { a.Status = 429 }), denial.JWKSUnavailable},
		"201":                        {with(func(a *host.Answer) { a.Status = 201 }), denial.JWKSInvalid},
		"404":                        {with(func(a *host.Answer) { a.Status = 404 }), denial.JWKSInvalid},
		"not read to its end":        {with(func(a *host.Answer) { a.BodySize++ }), denial.JWKSInvalid},
		"too long":                   {with(func(a *host.Answer) { a.Body = append(a.Body[:len(a.Body):len(a.Body)], make([]byte, MaxBytes)...) }), denial.JWKSInvalid},
		"empty":                      {with(func(a *host.Answer) { a.Body = nil }), denial.JWKSInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			if set, reason := judge(&tt.answer); set != nil || reason != tt.want {
				t.Errorf("set %v, reason %s, want %s", set, reason, tt.want)
			}
		})
	}
	if diff := cmp.Diff(unavailable(denial.JWKSInvalid), denial.Denial{Reason: denial.JWKSInvalid}); diff != "" {
		t.Error(diff)
	}
}

// TestKeysModel draws clocks, answers and tokens: no token's key is found that
// the issuer has not published within MaxAge, no question is left open once its
// call has ended, and calls stay within their rate.
func TestKeysModel(t *testing.T) {
	i := issuer{}
	i.answer(t, "a", "b", "c")
	rapid.Check(t, func(t *rapid.T) {
		store := memstore.New(nil)
		vms := []*vm{newVM(store), newVM(store)}
		now := vms[0].now
		published := map[string]time.Time{} // when an answer last held the key
		var latest [2]int
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			v := vms[rapid.IntRange(0, 1).Draw(t, "vm")]
			v.now = now
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				now = now.Add(time.Duration(rapid.Int64Range(0, int64(30*time.Hour)).Draw(t, "later")))
			case 1:
				now = now.Add(time.Duration(rapid.Int64Range(0, int64(3*time.Second)).Draw(t, "soon")))
			case 2:
				id := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "id")
				a := v.ask(id)
				if at, ok := published[id]; a.is() == "found" && (!ok || now.Sub(at) >= options.MaxAge) {
					t.Fatalf("found %s, published %v, %v ago", id, ok, now.Sub(at))
				}
				if a.is() == "waits" && len(v.calls) == 0 {
					t.Fatal("waits for nothing")
				}
			case 3:
				n := rapid.IntRange(0, 1).Draw(t, "whose")
				if len(vms[n].calls) == latest[n] {
					continue
				}
				answer := down
				if rapid.Bool().Draw(t, "good") {
					ids := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 3, rapid.ID[string]).Draw(t, "ids")
					answer = i.answer(t, ids...)
					for _, id := range ids {
						published[id] = now
					}
				}
				vms[n].calls[latest[n]](now.UnixNano(), answer)
				latest[n]++
			}
		}
	})
}

package introspection

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/jose"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/secret"
)

// newPair is a proxy with two steps: VM 0 has that of one API, VM 1 that of another one, or of the same one after a
// reload.
func newPair(a, b func(*Options)) (p *proxy, one, other *bench) {
	p = newProxy(1, a)
	p.vms = append(p.vms, p.boot(1, b))
	return p, p.vms[0], p.vms[1]
}

func generous(o *Options) {
	o.CacheMaxTTL, o.TTLWithoutExp, o.NegativeTTL, o.StaleIfError = time.Hour, 5*time.Minute, 5*time.Minute, time.Hour
}

// TestSharedLimitsOfJoinedCalls: a call that another step makes serves those who wait for it, and is kept by each step
// for as long as that one allows.
func TestSharedLimitsOfJoinedCalls(t *testing.T) {
	for _, tt := range []struct {
		name   string
		reader func(*Options)
		answer func(*bench) host.Answer
		keeps  time.Duration
	}{
		{"the same", generous, func(b *bench) host.Answer { return b.active("jane") }, 300*time.Second - 250*time.Millisecond},
		{"shorter max_ttl", func(o *Options) { o.CacheMaxTTL = time.Second }, func(b *bench) host.Answer { return b.active("jane") }, time.Second},
		{"shorter ttl_without_exp", func(o *Options) { o.TTLWithoutExp = 2 * time.Second }, func(*bench) host.Answer { return answered(200, `{"active":true,"sub":"jane"}`) }, 2 * time.Second},
		{"no ttl_without_exp", nil, func(*bench) host.Answer { return answered(200, `{"active":true,"sub":"jane"}`) }, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, one, other := newPair(generous, tt.reader)
			first, second := one.arrive("token"), other.arrive("token")
			p.wantCalls(t, 1)
			one.land(0, tt.answer(one))
			first.wantAdmitted(t, "jane")
			second.wantAdmitted(t, "jane")
			if tt.keeps > 0 {
				p.pass(tt.keeps - time.Millisecond)
				other.arrive("token").wantAdmitted(t, "jane")
				p.wantCalls(t, 1)
				p.pass(time.Millisecond)
			}
			other.arrive("token").wantParked(t)
			p.wantCalls(t, 2)
		})
	}
}

// TestSharedLimitsOfAJoinedCallThatNobodyKeeps: what waits for a call is not served with an older answer that lies there
// for a step of longer limits.
func TestSharedLimitsOfAJoinedCallThatNobodyKeeps(t *testing.T) {
	short := func(o *Options) { o.CacheMaxTTL = time.Second }
	p, one, other := newPair(short, short)
	p.vms = append(p.vms, p.boot(2, generous))
	long := p.vms[2]
	long.arrive("token")
	long.land(0, long.active("jane"))
	p.pass(2 * time.Second)
	first, second := one.arrive("token"), other.arrive("token")
	p.wantCalls(t, 2)
	one.land(0, answered(200, `{"active":true,"sub":"joan"}`)) // without exp: neither keeps it
	first.wantAdmitted(t, "joan")
	second.wantParked(t)
	p.wantCalls(t, 3)
	other.land(0, other.active("joan"))
	second.wantAdmitted(t, "joan")
}

// TestSharedLimitsOfJoinedPrecheck: whoever would wait for another step's call about a token is refused first when its
// own precheck does not let the token pass.
func TestSharedLimitsOfJoinedPrecheck(t *testing.T) {
	s := newSigner(t)
	p, one, other := newPair(nil, func(o *Options) { o.Precheck = checked(0) })
	token := func(aud string) string {
		return s.token(t, fmt.Sprintf(`{"iss":"https://idp.example","aud":%q,"exp":%d}`, aud, one.now.Unix()+300))
	}
	good, bad := token("a"), token("c")
	parked := []*exchange{one.arrive(good), one.arrive(bad)}
	p.wantCalls(t, 2)
	other.arriveTwice(bad).wantDenied(t, denial.Denial{Reason: denial.TokenAudienceMismatch})
	waiting := other.arriveTwice(good)
	p.wantCalls(t, 3) // for the keys
	other.land(0, s.keys(t))
	p.wantCalls(t, 3)
	for i := range parked {
		one.land(i, one.active("jane"))
		parked[i].wantAdmitted(t, "jane")
	}
	if waiting.verdict != pipeline.Admitted || waiting.Token.Subject != "jane" {
		t.Fatalf("verdict %v", waiting.verdict)
	}
	other.arriveTwice(bad).wantDenied(t, denial.Denial{Reason: denial.TokenAudienceMismatch})
	other.arriveTwice(good).wantAdmitted(t, "jane")
	p.wantCalls(t, 3)
}

// TestSharedLimitsOfATokensOwnTimes: what a token says of its own end holds on every hit, fresh, stale or renewed ahead
// of time, whatever the server said of its end; but only where there is a precheck to read it.
func TestSharedLimitsOfATokensOwnTimes(t *testing.T) {
	s := newSigner(t)
	expired := denial.Denial{Reason: denial.TokenExpired}
	setUp := func(life time.Duration, change func(*Options)) (p *proxy, one, other *bench, token string) {
		p, one, other = newPair(generous, func(o *Options) {
			generous(o)
			o.Precheck = checked(2 * time.Second)
			if change != nil {
				change(o)
			}
		})
		token = s.token(t, fmt.Sprintf(`{"iss":"https://idp.example","aud":"a","exp":%d}`, one.now.Add(life).Unix()))
		one.arrive(token)
		one.land(0, answered(200, fmt.Sprintf(`{"active":true,"sub":"jane","exp":%d}`, one.now.Unix()+7200)))
		other.arriveTwice(token)
		other.land(0, s.keys(t))
		return p, one, other, token
	}
	t.Run("a hit", func(t *testing.T) {
		p, one, other, token := setUp(10*time.Second, nil)
		p.pass(12*time.Second - 250*time.Millisecond - time.Millisecond) // the start is not at a full second
		other.arriveTwice(token).wantAdmitted(t, "jane")
		p.pass(time.Millisecond)
		other.arriveTwice(token).wantDenied(t, expired)
		one.arrive(token).wantAdmitted(t, "jane")
		p.wantCalls(t, 2)
	})
	t.Run("a stale hit", func(t *testing.T) {
		p, _, other, token := setUp(10*time.Second, func(o *Options) { o.CacheMaxTTL = 5 * time.Second })
		p.pass(6 * time.Second)
		x := other.arriveTwice(token)
		other.land(1, answered(500, ""))
		x.wantAdmitted(t, "jane")
		p.pass(6 * time.Second)
		other.arriveTwice(token).wantDenied(t, expired)
	})
	t.Run("while a call is in the air", func(t *testing.T) {
		p, _, other, token := setUp(10*time.Second, func(o *Options) { o.CacheMaxTTL = 5 * time.Second })
		p.pass(11 * time.Second)
		x := other.arriveTwice(token)
		x.wantParked(t)
		p.pass(time.Second)
		other.land(1, answered(500, ""))
		x.wantDenied(t, denialFor(denial.IntrospectionServerError)) // not let pass on what is known
	})
	t.Run("renewed ahead", func(t *testing.T) {
		p, _, other, token := setUp(10*time.Second, func(o *Options) { o.CacheMaxTTL, o.RefreshAhead = 8*time.Second, 4*time.Second })
		p.pass(5 * time.Second)
		for range 3 {
			other.arriveTwice(token).wantAdmitted(t, "jane")
		}
		if len(other.air.calls) != 2 {
			t.Fatalf("%d calls, want one for the keys and one ahead", len(other.air.calls))
		}
		other.land(1, answered(200, fmt.Sprintf(`{"active":true,"sub":"joan","exp":%d}`, other.now.Unix()+7200)))
		p.pass(7*time.Second - 251*time.Millisecond)
		other.arriveTwice(token).wantAdmitted(t, "joan")
		p.pass(time.Millisecond)
		other.arriveTwice(token).wantDenied(t, expired)
	})
	t.Run("not renewed when it is about to end", func(t *testing.T) {
		p, _, other, token := setUp(5*time.Second, func(o *Options) { o.CacheMaxTTL, o.RefreshAhead = 8*time.Second, 4*time.Second })
		p.pass(5 * time.Second)
		for range 3 {
			other.arriveTwice(token).wantAdmitted(t, "jane")
		}
		if len(other.air.calls) != 1 {
			t.Fatalf("%d calls, want one for the keys", len(other.air.calls))
		}
	})
	t.Run("a clock set back behind its beginning", func(t *testing.T) {
		p, one, other := newPair(generous, func(o *Options) { generous(o); o.Precheck = checked(0) })
		token := s.token(t, fmt.Sprintf(`{"iss":"https://idp.example","aud":"a","exp":%d,"nbf":%d}`, one.now.Unix()+300, one.now.Unix()+10))
		one.arrive(token)
		one.land(0, one.active("jane"))
		p.pass(10 * time.Second)
		other.arriveTwice(token)
		other.land(0, s.keys(t))
		other.arriveTwice(token).wantAdmitted(t, "jane")
		other.now = other.now.Add(-5 * time.Second)
		other.arriveTwice(token).wantDenied(t, denial.Denial{Reason: denial.TokenNotYetValid})
	})
}

// TestSharedLimitsOfRevocation: that a step keeps inactive tokens for no time does not let it go on with an answer that
// another one has taken back.
func TestSharedLimitsOfRevocation(t *testing.T) {
	p, one, other := newPair(generous, func(o *Options) { generous(o); o.NegativeTTL = 0 })
	one.arrive("token")
	one.land(0, one.active("jane"))
	other.arrive("token").wantAdmitted(t, "jane")
	p.pass(time.Second)
	c := &call{key: one.step.keys.of("token"), started: one.now.UnixNano()}
	one.step.flights.add(c)
	one.step.land(c, one.now.UnixNano(), verdict{claims: inactiveToken})
	one.arrive("token").wantDenied(t, inactiveDenial)
	p.pass(RecheckEvery)
	other.arrive("token").wantParked(t)
	p.wantCalls(t, 2)
}

// TestSharedLimitsOfCredentials: whose proof differs in anything that a server looks at shares nothing; what says
// nothing of the client is shared.
func TestSharedLimitsOfCredentials(t *testing.T) {
	k1, k2 := privateKey(t), privateKey(t)
	signs := func(k *jose.PrivateKey, id, audience string) func(*Options) {
		return func(o *Options) {
			o.Secret, o.ClientAuth = secret.Value{}, AuthPrivateKeyJWT
			o.Assertion = Assertion{Key: k, KeyID: id, Audience: audience, TTL: time.Minute}
		}
	}
	auth := func(a ClientAuth, text string) func(*Options) {
		return func(o *Options) { o.ClientAuth, o.Secret = a, secret.New(text) }
	}
	for _, tt := range []struct {
		name   string
		a, b   func(*Options)
		shares bool
	}{
		{"nothing", nil, nil, true},
		{"secret", auth(AuthBasic, "x"), auth(AuthBasic, "y"), false},
		{"secret in the body", auth(AuthPost, "x"), auth(AuthPost, "y"), false},
		{"secret, one a part of the other", auth(AuthBasic, "x"), auth(AuthBasic, "xx"), false},
		{"basic or post", auth(AuthBasic, "x"), auth(AuthPost, "x"), false},
		{"basic or none", auth(AuthBasic, "x"), auth(AuthNone, ""), false},
		{"post or none", auth(AuthPost, "x"), auth(AuthNone, ""), false},
		{"none and none", auth(AuthNone, ""), auth(AuthNone, ""), true},
		{"basic or private_key_jwt", auth(AuthBasic, "x"), signs(k1, "1", "u"), false},
		{"none or private_key_jwt", auth(AuthNone, ""), signs(k1, "1", "u"), false},
		{"private key", signs(k1, "1", "u"), signs(k2, "1", "u"), false},
		{"private key's id", signs(k1, "1", "u"), signs(k1, "2", "u"), false},
		{"assertion's audience", signs(k1, "1", "u"), signs(k1, "1", "v"), false},
		{"the same private key", signs(k1, "1", "u"), signs(k1, "1", "u"), true},
		{"the assertion's life", signs(k1, "1", "u"), func(o *Options) { signs(k1, "1", "u")(o); o.Assertion.TTL = time.Hour }, true},
		{"client", nil, func(o *Options) { o.ClientID = "other" }, false},
		{"path", nil, func(o *Options) { o.Path = "/other" }, false},
		{"authority", nil, func(o *Options) { o.Authority = "other.example" }, false},
		{"cluster", nil, func(o *Options) { o.Cluster = "other" }, false},
		{"shared_entries", nil, func(o *Options) { o.SharedEntries = 128 }, false},
		{"cache off", nil, func(o *Options) { o.CacheMaxTTL = 0 }, false},
		{"what is for one call", nil, func(o *Options) { o.Timeout, o.Retry, o.MaxInFlight, o.CacheEntries = time.Second, true, 5, 1 }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, one, other := newPair(tt.a, tt.b)
			one.arrive("token")
			one.land(0, one.active("jane"))
			p.pass(time.Millisecond)
			x := other.arrive("token")
			if tt.shares {
				x.wantAdmitted(t, "jane")
				p.wantCalls(t, 1)
				return
			}
			x.wantParked(t)
			p.wantCalls(t, 2)
			// Nor do they wait for each other's calls.
			one.arrive("second").wantParked(t)
			other.arrive("second").wantParked(t)
			p.wantCalls(t, 4)
		})
	}
}

// TestSharedLimitsAreTheReaders: whoever stored an answer, a step uses it, fresh or in an outage, exactly as long as its
// own limits and the end that it was stored with allow.
func TestSharedLimitsAreTheReaders(t *testing.T) {
	fresh, stale, asked := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		seconds := func(name string, of ...int) time.Duration {
			return time.Duration(rapid.SampledFrom(of).Draw(t, name)) * time.Second
		}
		limits := func(who string) func(*Options) {
			var o Options
			o.CacheMaxTTL, o.TTLWithoutExp, o.StaleIfError = seconds(who+" max_ttl", 1, 5, 60), seconds(who+" ttl_without_exp", 0, 2, 60), seconds(who+" stale", 0, 3, 60)
			return func(to *Options) {
				to.CacheMaxTTL, to.TTLWithoutExp, to.StaleIfError, to.NegativeTTL = o.CacheMaxTTL, o.TTLWithoutExp, o.StaleIfError, time.Second
			}
		}
		p, one, other := newPair(limits("writer"), limits("reader"))
		exp := seconds("exp", 0, 3, 30)
		text := ""
		if exp > 0 {
			text = fmt.Sprintf(`,"exp":%d`, one.now.Add(exp).Unix())
		}
		life := func(o lives) time.Duration {
			if exp == 0 {
				return min(o.maxTTL, o.withoutExp)
			}
			return min(o.maxTTL, exp-250*time.Millisecond)
		}
		one.arrive("token")
		one.land(0, answered(200, `{"active":true,"sub":"jane"`+text+`}`))
		good := min(life(one.step.lives), life(other.step.lives))
		use := good + other.step.lives.grace
		if exp > 0 {
			use = min(use, exp-250*time.Millisecond)
		}
		if good == 0 {
			use = 0
		}
		at := time.Duration(rapid.IntRange(0, 130_000).Draw(t, "ms"))*time.Millisecond + time.Millisecond
		if rapid.Bool().Draw(t, "near an end") {
			at = max(rapid.SampledFrom([]time.Duration{good, use}).Draw(t, "end")+time.Duration(rapid.IntRange(-1, 1).Draw(t, "nanosecond")), 1)
		}
		p.pass(at)
		x := other.arrive("token")
		switch {
		case at < good:
			fresh++
			if x.verdict != pipeline.Admitted {
				t.Fatalf("after %v: %v, and it is good for %v", at, x.verdict, good)
			}
			return
		case x.verdict != pipeline.Parked:
			t.Fatalf("after %v: %v, and it is good for %v", at, x.verdict, good)
		}
		other.land(0, answered(500, ""))
		if admitted := x.verdict == pipeline.Admitted; admitted != (at < use) {
			t.Fatalf("after %v in an outage: %v, and it is of use for %v", at, x.verdict, use)
		}
		if asked++; at < use {
			stale++
		}
	})
	t.Logf("used fresh %d times, stale %d times of %d in which the server was asked", fresh, stale, asked)
	if fresh == 0 || stale == 0 || stale == asked {
		t.Error("the test shows nothing")
	}
}

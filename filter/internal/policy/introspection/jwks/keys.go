// Package jwks keeps the keys that an issuer signs its tokens with: fetched by
// a callout, held in each VM and in the host's shared data, asked for again
// when they are old or when a token names one that is not among them, and kept
// in use through an outage for a bounded time.
package jwks

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/jose"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

const (
	// unknownInterval is how long after a fetch for an unknown key the next one
	// may come: whoever invents key ids causes six calls a minute in each VM.
	unknownInterval = 10 * time.Second
	// failureInterval is how long after a failed fetch the next one may come when
	// there are no keys at all; when there are, it is unknownInterval.
	failureInterval = 2 * time.Second
	// sharedInterval is how often shared data is looked at for a newer set.
	sharedInterval = time.Second
	// maxWaiters bounds the exchanges that wait for one fetch.
	maxWaiters = 1024
	// staleMargin is how long after the call's own timeout the host is still
	// waited for.
	staleMargin = time.Second
	// retrySeconds is sent to a client that was refused because there were no
	// keys.
	retrySeconds = 5
)

// Options says where an issuer publishes its keys, and how long they are good.
type Options struct {
	_         [0]func() // not comparable: an unused == costs the guest code
	Cluster   string    // the host's cluster
	Authority string
	Path      string
	Timeout   time.Duration // of one call
	// Refresh is the age at which a set is asked for again, while it goes on
	// being used; the issuer may shorten it with Cache-Control.
	Refresh time.Duration
	// MaxAge is the age at which a set is no longer used.
	MaxAge time.Duration
}

// Keys are the keys of one issuer, as one VM knows them. It is not safe for
// concurrent use: a VM is one thread.
type Keys struct {
	options Options
	ports   host.Ports
	shared  shared

	set     *jose.KeySet // nil: none yet
	fetched int64        // when, unix nanoseconds
	life    time.Duration

	inAir     *fetch
	failure   denial.Denial // of the latest fetch
	failed    bool
	askAt     int64 // no fetch before
	unknownAt int64 // no fetch for an unknown key before
	lookAt    int64 // no look at shared data before
}

// fetch is one call in flight, with those that wait for it.
type fetch struct {
	started int64
	flight  pipeline.Flight
}

// New makes an empty set of keys, which fetches when it is first asked.
func New(o Options, p host.Ports) *Keys {
	return &Keys{options: o, ports: p, shared: newShared(o, p.Store)}
}

// Find calls then with the key that a token's header names, at once or after a
// call; without one it refuses: a key that the issuer does not have is the
// token's fault, and keys that could not be fetched are not.
func (k *Keys) Find(x *pipeline.Exchange, h *jose.Header, then func(*pipeline.Exchange, *jose.PublicKey) pipeline.Outcome) pipeline.Outcome {
	now := x.Now
	k.keepTime(now)
	key, ok := k.lookup(h, now)
	if !ok || k.old(now) {
		k.adopt(now)
		key, ok = k.lookup(h, now)
	}
	if ok {
		if k.old(now) && now >= k.askAt {
			k.fetch(now) // nobody waits for it
		}
		return then(x, key)
	}
	if !k.await(now) {
		return pipeline.Deny(k.denial(now))
	}
	if k.inAir.flight.Waiting() >= maxWaiters {
		return pipeline.Deny(unavailable(denial.IntrospectionOverloaded))
	}
	return pipeline.Await(&k.inAir.flight, func(x *pipeline.Exchange) pipeline.Outcome {
		if key, ok := k.lookup(h, x.Now); ok {
			return then(x, key)
		}
		return pipeline.Deny(k.denial(x.Now))
	})
}

// await reports whether there is a call to wait for, made now if it may be.
func (k *Keys) await(now int64) bool {
	if k.flying(now) {
		return true
	}
	if now < k.askAt {
		return false
	}
	if k.usable(now) { // so it is the key that is unknown
		if now < k.unknownAt {
			return false
		}
		k.unknownAt = now + int64(unknownInterval)
	}
	return k.fetch(now)
}

// denial is for a token whose key was not found. As long as the latest fetch
// failed it is not known that the key does not exist.
func (k *Keys) denial(now int64) denial.Denial {
	if k.failed {
		return k.failure
	}
	if !k.usable(now) {
		return unavailable(denial.JWKSUnavailable)
	}
	return denial.Denial{Reason: denial.TokenKeyUnknown}
}

//go:noinline
func (k *Keys) lookup(h *jose.Header, now int64) (*jose.PublicKey, bool) {
	if !k.usable(now) {
		return nil, false
	}
	return k.set.Find(h)
}

func (k *Keys) usable(now int64) bool {
	return k.set != nil && now-k.fetched < int64(k.options.MaxAge)
}

func (k *Keys) old(now int64) bool { return k.set == nil || now-k.fetched >= int64(k.life) }

// flying reports whether there is a call in flight that may still end.
func (k *Keys) flying(now int64) bool {
	return k.inAir != nil && now-k.inAir.started <= int64(k.options.Timeout+staleMargin)
}

// keepTime moves what is in the future to now, after the clock was set back: a
// set would be used too long, and a wait would not end.
func (k *Keys) keepTime(now int64) {
	k.fetched = min(k.fetched, now)
	k.askAt = min(k.askAt, now+int64(unknownInterval))
	k.unknownAt = min(k.unknownAt, now+int64(unknownInterval))
	k.lookAt = min(k.lookAt, now+int64(sharedInterval))
	if k.inAir != nil {
		k.inAir.started = min(k.inAir.started, now)
	}
}

// adopt takes over what another VM has fetched since.
func (k *Keys) adopt(now int64) {
	if now < k.lookAt {
		return
	}
	k.lookAt = now + int64(sharedInterval)
	if d, ok := k.shared.read(); ok && d.fetched > k.fetched && d.fetched <= now {
		if set, err := jose.ParseKeySet(d.text); err == nil {
			k.use(set, d.fetched, d.life)
		}
	}
}

func (k *Keys) use(set *jose.KeySet, fetched int64, life time.Duration) {
	k.set, k.fetched, k.failed = set, fetched, false
	k.life = min(max(life, minLife), k.options.Refresh)
}

func unavailable(r denial.Reason) denial.Denial {
	d := denial.Denial{Reason: r}
	if r.Status() == 503 {
		d.RetryAfterSeconds = retrySeconds
	}
	return d
}

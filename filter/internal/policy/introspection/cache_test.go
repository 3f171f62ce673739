package introspection

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
)

// vmCache is a cache that is filled and read as a step without its like does.
type vmCache struct {
	*cache
	lives lives
}

func newVMCache(limit int, maxTTL time.Duration) vmCache {
	if maxTTL <= 0 {
		limit = 0
	}
	return vmCache{newCache(limit), lives{maxTTL: maxTTL}}
}

func (c vmCache) put(k sharedtable.Key, claims *pipeline.Claims, now int64) {
	(&Step{cache: c.cache, lives: c.lives, hits: newHits(host.NoMetrics{})}).remember(&call{key: k, valid: always}, claims, now)
}

func (c vmCache) get(k sharedtable.Key, now int64) (*pipeline.Claims, bool) {
	if e, ok := (&Step{cache: c.cache, lives: c.lives, hits: newHits(host.NoMetrics{})}).held(k, now); ok {
		return e.Claims, true
	}
	return nil, false
}

func TestCacheLife(t *testing.T) {
	exp := func(seconds int64) int64 { return start.Unix() + seconds }
	tests := []struct {
		name   string
		limit  int
		maxTTL time.Duration
		claims pipeline.Claims
		life   time.Duration // 0: not stored
	}{
		{"max_ttl comes first", 1, 60 * time.Second, pipeline.Claims{Active: true, Expires: exp(300)}, 60 * time.Second},
		{"exp comes first", 1, 60 * time.Second, pipeline.Claims{Active: true, Expires: exp(10)}, 9750 * time.Millisecond},
		{"exp in a moment", 1, 60 * time.Second, pipeline.Claims{Active: true, Expires: exp(1)}, 750 * time.Millisecond},
		{"exp this second", 1, 60 * time.Second, pipeline.Claims{Active: true, Expires: exp(0)}, 0},
		{"exp past", 1, 60 * time.Second, pipeline.Claims{Active: true, Expires: exp(-10)}, 0},
		{"exp negative", 1, 60 * time.Second, pipeline.Claims{Active: true, Expires: -1}, 0},
		{"exp absent", 1, 60 * time.Second, pipeline.Claims{Active: true}, 0},
		{"exp at the end of time", 1, 60 * time.Second, pipeline.Claims{Active: true, Expires: lastSecond}, 60 * time.Second},
		{"not active", 1, 60 * time.Second, pipeline.Claims{Expires: exp(300)}, 0},
		{"max_ttl zero", 1, 0, pipeline.Claims{Active: true, Expires: exp(300)}, 0},
		{"max_ttl negative", 1, -time.Second, pipeline.Claims{Active: true, Expires: exp(300)}, 0},
		{"no entries", 0, 60 * time.Second, pipeline.Claims{Active: true, Expires: exp(300)}, 0},
		{"entries negative", -1, 60 * time.Second, pipeline.Claims{Active: true, Expires: exp(300)}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fresh := func() vmCache {
				c := newVMCache(tt.limit, tt.maxTTL)
				c.put(sharedtable.Key{1}, &tt.claims, start.UnixNano())
				return c
			}
			want := tt.life > 0
			wantCached(t, fresh(), start, want)
			wantCached(t, fresh(), start.Add(tt.life-1), want)
			wantCached(t, fresh(), start.Add(tt.life), false)
			wantCached(t, fresh(), start.Add(-1), false)
		})
	}
}

func wantCached(t *testing.T, c vmCache, now time.Time, want bool) {
	t.Helper()
	if _, ok := c.get(sharedtable.Key{1}, now.UnixNano()); ok != want {
		t.Errorf("after %v: cached %v, want %v", now.Sub(start), ok, want)
	}
	if !want && len(c.byKey)+c.recent.Len() != 0 {
		t.Errorf("after %v: a dead entry is kept", now.Sub(start))
	}
}

func TestCacheReplaces(t *testing.T) {
	old := &pipeline.Claims{Active: true, Expires: start.Unix() + 300, Subject: "old"}
	for _, next := range []pipeline.Claims{
		{Active: false},
		{Active: true},
		{Active: true, Expires: start.Unix() - 1},
	} {
		c := newVMCache(4, time.Minute)
		c.put(sharedtable.Key{1}, old, start.UnixNano())
		c.put(sharedtable.Key{1}, &next, start.UnixNano())
		wantCached(t, c, start, false)
	}
	c := newVMCache(4, time.Minute)
	c.put(sharedtable.Key{1}, old, start.UnixNano())
	c.put(sharedtable.Key{1}, &pipeline.Claims{Active: true, Expires: start.Unix() + 300, Subject: "new"}, start.UnixNano())
	if claims, ok := c.get(sharedtable.Key{1}, start.UnixNano()); !ok || claims.Subject != "new" {
		t.Errorf("got %+v, %v", claims, ok)
	}
}

// TestCacheIsBoundedInBytes: claims as long as they may be fill it before its number of entries is reached.
func TestCacheIsBoundedInBytes(t *testing.T) {
	text := strings.Repeat("s", 512)
	scopes := slices.Repeat([]string{text}, 4<<10) // 2 MiB
	c, limit, now := newVMCache(maxCacheEntries, time.Minute), maxCacheBytes/(2<<20), start.UnixNano()
	for i := range 2 * limit {
		c.put(sharedtable.Key{byte(i), byte(i >> 8)}, &pipeline.Claims{Active: true, Expires: start.Unix() + 300, Scopes: scopes}, now)
	}
	if n := len(c.byKey); n > limit || n < limit*9/10 || c.bytes > maxCacheBytes {
		t.Errorf("%d entries of %d bytes, want some %d", n, c.bytes, limit)
	}
	last := 2*limit - 1
	if _, ok := c.get(sharedtable.Key{byte(last), byte(last >> 8)}, now); !ok {
		t.Error("the last one was given up")
	}
	for k := range c.byKey {
		c.drop(k)
	}
	if c.bytes != 0 {
		t.Errorf("an empty cache has %d bytes", c.bytes)
	}
}

// modelEntry is an entry of the model, which is a list in the order of use.
type modelEntry struct {
	key           sharedtable.Key
	subject       string
	expires       int64
	stored, until time.Time
}

func TestCacheAgreesWithModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(0, 4).Draw(t, "limit")
		maxTTL := time.Duration(rapid.IntRange(0, 60).Draw(t, "max ttl")) * time.Second
		c, now, puts := newVMCache(limit, maxTTL), start, 0
		var model []modelEntry
		forget := func(k sharedtable.Key) {
			model = slices.DeleteFunc(model, func(e modelEntry) bool { return e.key == k })
		}
		anyKey := rapid.Custom(func(t *rapid.T) sharedtable.Key { return sharedtable.Key{byte(rapid.IntRange(0, 6).Draw(t, "key"))} })
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				k := anyKey.Draw(t, "put")
				puts++
				claims := &pipeline.Claims{
					Active:  rapid.IntRange(0, 9).Draw(t, "active") > 0,
					Expires: now.Unix() + int64(rapid.IntRange(-3, 90).Draw(t, "exp")),
					Subject: fmt.Sprint(puts),
				}
				c.put(k, claims, now.UnixNano())
				forget(k)
				until := time.Unix(claims.Expires, 0)
				if end := now.Add(maxTTL); end.Before(until) {
					until = end
				}
				if !claims.Active || limit == 0 || !now.Before(until) {
					return
				}
				if len(model) == limit {
					model = model[1:]
				}
				model = append(model, modelEntry{k, claims.Subject, claims.Expires, now, until})
			},
			"get": func(t *rapid.T) {
				k := anyKey.Draw(t, "get")
				claims, ok := c.get(k, now.UnixNano())
				i := slices.IndexFunc(model, func(e modelEntry) bool { return e.key == k })
				if i < 0 {
					if ok {
						t.Fatalf("has %v, the model has not", k)
					}
					return
				}
				e := model[i]
				forget(k)
				good := now.Before(e.until) && !now.Before(e.stored)
				if ok != good || ok && claims.Subject != e.subject {
					t.Fatalf("got %+v, %v; the model has %+v at %v", claims, ok, e, now)
				}
				if good {
					model = append(model, e)
				}
				if ok && (now.Unix() >= e.expires || now.Sub(e.stored) >= maxTTL) {
					t.Fatalf("served past exp or max ttl")
				}
			},
			"time": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(-2000, 30000).Draw(t, "ms")) * time.Millisecond)
			},
			"": func(t *rapid.T) {
				if len(c.byKey) != len(model) || c.recent.Len() != len(model) || len(model) > max(limit, 0) {
					t.Fatalf("%d keys, %d in order, the model has %d, limit %d", len(c.byKey), c.recent.Len(), len(model), limit)
				}
			},
		})
	})
}

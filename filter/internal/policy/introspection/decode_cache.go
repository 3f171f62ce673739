package introspection

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/introspection/answers"
)

// Bounds and defaults of introspect_token.cache.
const (
	// This is how long a revoked token may still be accepted.
	defaultCacheTTL = time.Minute
	minCacheTTL     = time.Second
	maxCacheTTL     = time.Hour

	// A typical entry takes 1.7 KB, in every VM: see TestMemoryOfTokens.
	defaultCacheEntries = 1024
	maxCacheEntries     = 1 << 17

	// An entry takes half a kilobyte, once in a proxy.
	defaultSharedEntries = 4096

	// An inactive token can become active only when a clock is set.
	defaultNegativeTTL = 10 * time.Second
	maxNegativeTTL     = 5 * time.Minute
	maxTTLWithoutExp   = 5 * time.Minute
	maxRefreshAhead    = 5 * time.Minute
)

var cacheMembers = decode.Members{Names: []string{"max_ttl", "entries", "shared_entries", "negative_ttl", "ttl_without_exp", "refresh_ahead"}}

func decodeCache(r *decode.Reader, v decode.Value, o *Options) {
	if v.IsString() {
		if v.Content() != "off" {
			r.Problem(`must be "off" or {max_ttl: ..., entries: ...}, got ` + decode.Quote(v.Content()))
		}
		o.CacheMaxTTL, o.CacheEntries = 0, 0
		return
	}
	if v.IsBool() { // what a YAML 1.1 reader makes of off
		r.Wrong(v, `"off" or {max_ttl: ..., entries: ...}`, `; write "off" in quotes`)
		return
	}
	r.Object(v, &cacheMembers, func(name string, v decode.Value) {
		switch name {
		case "max_ttl":
			o.CacheMaxTTL = r.Duration(v, minCacheTTL, maxCacheTTL)
		case "entries":
			o.CacheEntries = r.Integer(v, 1, maxCacheEntries)
		case "shared_entries":
			o.SharedEntries = r.Integer(v, 0, answers.MaxEntries)
		case "negative_ttl":
			o.NegativeTTL = r.Duration(v, 0, maxNegativeTTL)
		case "ttl_without_exp":
			o.TTLWithoutExp = r.Duration(v, 0, maxTTLWithoutExp)
		case "refresh_ahead":
			o.RefreshAhead = r.Duration(v, 0, maxRefreshAhead)
		}
	})
}

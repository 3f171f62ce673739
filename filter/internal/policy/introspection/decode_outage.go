package introspection

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/breaker"
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
)

// Bounds and defaults of what introspect_token does when the authorization
// server is in trouble.
const (
	// A stale answer lets a revoked token live longer: never by default.
	minStale = time.Second
	maxStale = time.Hour

	// Okta refuses all calls of an organization, logins too, beyond 75 at once.
	defaultInFlight = 64
	maxInFlight     = 1024
)

// decodeOutage reads the members about outages.
func decodeOutage(r *decode.Reader, name string, v decode.Value, o *Options) {
	switch name {
	case "retry":
		o.Retry = r.Boolean(v)
	case "stale_if_error":
		o.StaleIfError = decodeStaleIfError(r, v)
	case "max_in_flight":
		o.MaxInFlight = r.Integer(v, 1, maxInFlight)
	case "breaker":
		o.Breaker = breaker.Decode(r, v)
	}
}

// decodeStaleIfError reads "off" or a duration.
func decodeStaleIfError(r *decode.Reader, v decode.Value) time.Duration {
	if v.IsString() && v.Content() == "off" {
		return 0
	}
	if v.IsBool() { // what a YAML 1.1 reader makes of off
		r.Wrong(v, `"off" or a duration`, `; write "off" in quotes`)
		return 0
	}
	return r.Duration(v, minStale, maxStale)
}

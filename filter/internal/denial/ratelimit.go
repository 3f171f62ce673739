package denial

import (
	"strconv"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
)

// The headers that tell a client of limits (draft-ietf-httpapi-ratelimit-headers-11):
// structured fields (RFC 9651), each a list of names of limits with parameters.
const (
	RetryAfterHeader      = "retry-after"
	RateLimitHeader       = "ratelimit"
	RateLimitPolicyHeader = "ratelimit-policy"
)

// PolicyItem is an item of RateLimit-Policy: so many requests in so many seconds.
// The name is printable ASCII without quote or backslash.
func PolicyItem(name string, quota, seconds int) string {
	return `"` + name + `";q=` + strconv.Itoa(quota) + `;w=` + strconv.Itoa(seconds)
}

// ConcurrencyItem is an item of RateLimit-Policy: so many requests at once.
func ConcurrencyItem(name string, most int) string {
	return `"` + name + `";q=` + strconv.Itoa(most) + `;qu="concurrent-requests"`
}

// AppendRateLimit appends an item of RateLimit to a value: so many requests more,
// and all there are after so many seconds; 0 says nothing of when.
func AppendRateLimit(b []byte, name string, remaining, seconds int64) []byte {
	if len(b) > 0 {
		b = literal(b, ", ")
	}
	b = literal(append(b, '"'), name)
	b = strconv.AppendInt(literal(b, `";r=`), remaining, 10)
	if seconds > 0 {
		b = strconv.AppendInt(literal(b, ";t="), seconds, 10)
	}
	return b
}

// limitHeaders says of a limit that there is nothing left of it.
func limitHeaders(headers []host.Header, d *Denial) []host.Header {
	value := AppendRateLimit(nil, d.Limit, 0, int64(d.RetryAfterSeconds))
	return append(headers,
		host.Header{Name: RateLimitHeader, Value: string(value)},
		host.Header{Name: RateLimitPolicyHeader, Value: d.LimitPolicy})
}

// without leaves out the headers of these names.
func without(headers []host.Header, names []string) []host.Header {
	kept := headers[:0]
	for _, h := range headers {
		omitted := false
		for _, name := range names {
			omitted = omitted || h.Name == name
		}
		if !omitted {
			kept = append(kept, h)
		}
	}
	return kept
}

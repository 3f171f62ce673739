package denial

import (
	"strconv"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
)

// The headers that tell a client about limits
// (draft-ietf-httpapi-ratelimit-headers-11): structured fields (RFC 9651), each
// a list of names of limits with parameters.
const (
	RetryAfterHeader      = "retry-after"
	RateLimitHeader       = "ratelimit"
	RateLimitPolicyHeader = "ratelimit-policy"
)

// Limit is what clients are told about a limit; it never changes. Name is
// printable ASCII without quotes or backslashes, and Policy the whole
// RateLimit-Policy of its step: the names of its limits, of which clients have
// a share of their own.
type Limit struct{ Name, Policy string }

// PolicyItem is an item of RateLimit-Policy: so many requests in so many seconds.
func PolicyItem(name string, quota, seconds int) string {
	return quoted(name) + ";q=" + strconv.Itoa(quota) + ";w=" + strconv.Itoa(seconds)
}

// ConcurrencyItem is an item of RateLimit-Policy: so many requests at once.
func ConcurrencyItem(name string, most int) string {
	return quoted(name) + ";q=" + strconv.Itoa(most) + `;qu="concurrent-requests"`
}

// RateLimitItem is an item of RateLimit: so many requests are left, and all of
// them are back after so many seconds; 0 says nothing about when.
//
//go:noinline
func RateLimitItem(name string, remaining, seconds int) string {
	item := quoted(name) + ";r=" + strconv.Itoa(remaining)
	if seconds > 0 {
		item += ";t=" + strconv.Itoa(seconds)
	}
	return item
}

//go:noinline
func quoted(name string) string { return `"` + name + `"` }

// without removes the headers with these names.
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

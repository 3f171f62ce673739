package config

import "github.com/sallyport-gateway/sallyport/filter/internal/decode"

const (
	// maxTrustedHops bounds a chain of proxies that all append to X-Forwarded-For.
	maxTrustedHops = 16

	// A provider's customer has at least a /64 (RFC 6177), and every host in it
	// can use any number of its addresses (RFC 8981).
	defaultIPv6Prefix = 64
	minIPv6Prefix     = 16
	maxIPv6Prefix     = 128
)

var clientIPMembers = decode.Members{Names: []string{"trusted_hops", "ipv6_prefix"}}

// clientIP reads {trusted_hops: N, ipv6_prefix: N}.
func (r *reader) clientIP(v decode.Value, c *Config) {
	r.Object(v, &clientIPMembers, func(name string, v decode.Value) {
		switch name {
		case "trusted_hops":
			c.TrustedHops = r.Integer(v, 0, maxTrustedHops)
		case "ipv6_prefix":
			c.IPv6Prefix = r.Integer(v, minIPv6Prefix, maxIPv6Prefix)
		}
	})
}

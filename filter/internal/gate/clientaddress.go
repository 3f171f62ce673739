package gate

import (
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// clientAddress is the client's address as those vouch for it whom the operator trusts: the host, or the proxies that each
// appended the address of their peer to X-Forwarded-For. What stands further left than they wrote is the client's own
// text. Too few elements mean that the request did not come through them: there is no address then.
func (g *Gate) clientAddress(x *pipeline.Exchange) string {
	if g.config.TrustedHops == 0 {
		return withoutPort(g.host.ClientAddress())
	}
	return fromRight(x.Headers, g.config.TrustedHops)
}

// fromRight gives the n-th element, from 1, of the X-Forwarded-For headers read as one list (RFC 9110 section 5.3).
func fromRight(headers []pipeline.Header, n int) string {
	for i := len(headers) - 1; i >= 0; i-- {
		if headers[i].Name != "x-forwarded-for" {
			continue
		}
		rest := headers[i].Value
		for {
			comma := strings.LastIndexByte(rest, ',')
			if n--; n == 0 {
				return withoutPort(ascii.Trim(rest[comma+1:], " \t"))
			}
			if comma < 0 {
				break
			}
			rest = rest[:comma]
		}
	}
	return ""
}

// withoutPort takes the port off "ip:port" and the brackets off "[ip]:port" and "[ip]". An address of IPv6 alone has
// several colons.
func withoutPort(address string) string {
	if strings.HasPrefix(address, "[") {
		inside, _, _ := strings.Cut(address[1:], "]")
		return inside
	}
	if i := strings.IndexByte(address, ':'); i >= 0 && i == strings.LastIndexByte(address, ':') {
		return address[:i]
	}
	return address
}

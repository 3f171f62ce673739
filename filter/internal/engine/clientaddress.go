package engine

import (
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/ipaddr"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// clientAddress is the client's address according to those whom the operator
// trusts: the host, or the proxies that each appended the address of their peer
// to X-Forwarded-For. What is further left than they wrote is the client's own
// text. Too few elements mean that the request did not come through them: there
// is no address then, and none in a text that is not one.
func (e *Engine) clientAddress(x *pipeline.Exchange) ipaddr.Addr {
	var text string
	if e.config.TrustedHops == 0 {
		text = e.host.ClientAddress()
	} else {
		text = fromRight(x.Headers, e.config.TrustedHops)
	}
	address, _ := ipaddr.ParsePeer(text)
	return address
}

// fromRight gives the n-th element, from 1, of the X-Forwarded-For headers read
// as one list (RFC 9110 section 5.3).
func fromRight(headers []host.Header, n int) string {
	for i := len(headers) - 1; i >= 0; i-- {
		if headers[i].Name != "x-forwarded-for" {
			continue
		}
		rest := headers[i].Value
		for {
			comma := strings.LastIndexByte(rest, ',')
			if n--; n == 0 {
				return ascii.Trim(rest[comma+1:], " \t")
			}
			if comma < 0 {
				break
			}
			rest = rest[:comma]
		}
	}
	return ""
}

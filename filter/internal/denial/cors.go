package denial

import "github.com/sallyport-gateway/sallyport/filter/internal/host"

// CORS is what pages of other origins may do with an answer (Fetch standard,
// section 3.2.3).
type CORS struct {
	AnyOrigin   bool // "*" instead of the origin that asks
	Credentials bool
	Expose      string // names of headers, "" for no more than every page may read
}

// AppendTo adds the headers for an origin that is allowed, "" for one that is not.
func (c *CORS) AppendTo(headers []host.Header, origin string) []host.Header {
	if !c.AnyOrigin {
		headers = append(headers, host.Header{Name: "vary", Value: "origin"})
	}
	if origin == "" {
		return headers
	}
	if c.AnyOrigin {
		origin = "*"
	}
	headers = append(headers, host.Header{Name: "access-control-allow-origin", Value: origin})
	if c.Credentials {
		headers = append(headers, host.Header{Name: "access-control-allow-credentials", Value: "true"})
	}
	if c.Expose != "" {
		headers = append(headers, host.Header{Name: "access-control-expose-headers", Value: c.Expose})
	}
	return headers
}

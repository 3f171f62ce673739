package denial

// CORS is what pages of other origins may do with an answer (Fetch standard,
// section 3.2.3).
type CORS struct {
	AnyOrigin   bool // "*" instead of the requesting origin
	Credentials bool
	Expose      string // names of headers, "" for only those that every page may read
}

// AppendTo adds the headers for an origin that is allowed, "" for one that is not.
func (c *CORS) AppendTo(h *Headers, origin string) {
	if !c.AnyOrigin {
		h.Add("vary", "origin")
	}
	if origin == "" {
		return
	}
	if c.AnyOrigin {
		origin = "*"
	}
	h.Add("access-control-allow-origin", origin)
	if c.Credentials {
		h.Add("access-control-allow-credentials", "true")
	}
	h.Add("access-control-expose-headers", c.Expose)
}

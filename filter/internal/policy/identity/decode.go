package identity

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
)

// noHeaders mean something else to a backend or to the host.
var noHeaders = []string{
	"accept", "accept-encoding", "authorization", "content-encoding", "content-type", "cookie", "date", "forwarded", "origin",
	"set-cookie", "user-agent", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto", "x-request-id",
}

// members are in the order of Headers.all.
var members = decode.Members{Names: []string{"app", "developer", "product", "subject", "client_id", "scopes"}}

// Decode changes the headers that are given; "" means not to send one.
func (h *Headers) Decode(r *decode.Reader, v decode.Value) {
	r.Object(v, &members, func(name string, v decode.Value) {
		header := h.member(decode.IndexOf(members.Names, name))
		*header = ""
		if v != `""` {
			*header = r.HeaderName(v, noHeaders)
		}
	})
}

// Each gives every header that is sent, and its member of the configuration.
func (h *Headers) Each(header func(member, name string)) {
	for i, member := range members.Names {
		if name := *h.member(i); name != "" {
			header(member, name)
		}
	}
}

func (h *Headers) member(i int) *string {
	return [...]*string{&h.App, &h.Developer, &h.Product, &h.Subject, &h.ClientID, &h.Scopes}[i]
}

// Package identity tells the backend who calls, in headers that no client can
// forge: whatever a client sends under their names is removed first.
package identity

import (
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// reservedPrefix is Sallyport's own: nothing under it comes from a client.
const reservedPrefix = "x-sallyport-"

// Headers names the headers to send, in lower case; "" is not sent. What is
// not sent is removed all the same, as far as its name is reserved.
type Headers struct {
	_                                                  [0]func() // not comparable: an unused == costs the guest code
	App, Developer, Product, Subject, ClientID, Scopes string
}

// DefaultHeaders gives the names that are used when none are configured.
func DefaultHeaders() Headers {
	return Headers{
		App:       reservedPrefix + "app",
		Developer: reservedPrefix + "developer",
		Product:   reservedPrefix + "product",
		Subject:   reservedPrefix + "subject",
		ClientID:  reservedPrefix + "client-id",
		Scopes:    reservedPrefix + "scopes",
	}
}

// Apply notes in the exchange's edits that every header is removed which is
// one of h or could be taken for one, and that those are set whose value is
// known: of the app when its key was verified, of the token when it is active.
func Apply(x *pipeline.Exchange, h Headers) {
	own := h.all()
	for _, sent := range x.Headers {
		if Forged(sent.Name, own[:]) {
			x.Edits.RemoveHeader(sent.Name)
		}
	}
	e := &x.Edits
	set(e, h.App, x.Caller.App)
	set(e, h.Developer, x.Caller.Developer)
	set(e, h.Product, x.Caller.Product)
	if x.Token != nil && x.Token.Active {
		set(e, h.Subject, x.Token.Subject)
		set(e, h.ClientID, x.Token.ClientID)
		set(e, h.Scopes, strings.Join(x.Token.Scopes, " "))
	}
}

// set is not inlined: six copies of it would make the module 15 KiB larger.
//
//go:noinline
func set(e *pipeline.Edits, name, value string) {
	if name != "" && value != "" {
		e.SetHeader(name, EncodeValue(value))
	}
}

func (h Headers) all() [6]string {
	return [6]string{h.App, h.Developer, h.Product, h.Subject, h.ClientID, h.Scopes}
}

// Forged reports whether a backend could take a client's header, or trailer, of
// this name for a reserved one or one of own, however it reads names; see
// ascii.SameVariable. Empty ones of own count for nothing.
func Forged(name string, own []string) bool {
	if len(name) >= len(reservedPrefix) && ascii.SameVariable(name[:len(reservedPrefix)], reservedPrefix) {
		return true
	}
	for _, o := range own {
		if o != "" && ascii.SameVariable(name, o) {
			return true
		}
	}
	return false
}

// Package identity tells the backend who calls, in headers that no client can
// forge: whatever a client sends under their names is removed first.
package identity

import (
	"unsafe"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// reservedPrefix is Sallyport's own: nothing under it comes from a client.
const reservedPrefix = "x-sallyport-"

// Headers names the headers to send, in lower case; "" is not sent. A header
// that is not sent is still removed if its name is reserved.
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

// Teller tells the backend who calls, in some headers.
type Teller struct {
	headers Headers
	// own are the names that are not reserved anyway.
	own []string
	// first has the bytes that a name can begin with which could be taken for one
	// of own or for a reserved one, or is connection: most names are known by it not
	// to be.
	first [256]bool
	text  []byte // of the scopes that were joined last
}

// New makes a teller.
func New(h Headers) *Teller {
	t := &Teller{headers: h}
	for _, name := range h.all() {
		if name != "" && !reserved(name) {
			t.own = append(t.own, name)
		}
	}
	for _, name := range append([]string{reservedPrefix, connection}, t.own...) {
		for c := range t.first {
			if ascii.SameVariable(string([]byte{byte(c)}), name[:1]) {
				t.first[c] = true
			}
		}
	}
	return t
}

// Apply adds to the exchange's edits, which must be made before it is called
// again: every header that is one of the teller's, or could be taken for one,
// is removed, and those whose value is known are set: of the app when its key
// was verified, of the token when it is active.
func (t *Teller) Apply(x *pipeline.Exchange) {
	e := &x.Edits
	upgrade := false
	for i := range x.Headers {
		name := x.Headers[i].Name
		if name == "" || !t.first[name[0]] {
			continue
		}
		if Forged(name, t.own) {
			e.RemoveHeader(name)
		}
		upgrade = upgrade || name == connection
	}
	if upgrade {
		cleanConnection(x)
	}
	h := &t.headers
	set(e, h.App, x.Caller.App)
	set(e, h.Developer, x.Caller.Developer)
	set(e, h.Product, x.Caller.Product)
	if x.Token != nil && x.Token.Active {
		set(e, h.Subject, x.Token.Subject)
		set(e, h.ClientID, x.Token.ClientID)
		set(e, h.Scopes, t.joined(x.Token.Scopes))
	}
}

// joined gives the scopes separated by blanks. The text is good until the next
// call.
//
//go:noinline
func (t *Teller) joined(scopes []string) string {
	if len(scopes) == 0 {
		return ""
	}
	t.text = append(t.text[:0], scopes[0]...)
	for _, s := range scopes[1:] {
		t.text = append(append(t.text, ' '), s...)
	}
	return unsafe.String(unsafe.SliceData(t.text), len(t.text))
}

// set is not inlined: six copies of it would make the module 15 KiB larger.
//
//go:noinline
func set(e *pipeline.Edits, name, value string) {
	if name != "" && value != "" {
		e.SetHeader(name, EncodeValue(value))
	}
}

// reserved reports whether a name could be taken for a reserved one.
func reserved(name string) bool {
	return len(name) >= len(reservedPrefix) && ascii.SameVariable(name[:len(reservedPrefix)], reservedPrefix)
}

func (h Headers) all() [6]string {
	return [6]string{h.App, h.Developer, h.Product, h.Subject, h.ClientID, h.Scopes}
}

// Forged reports whether a backend could take a client's header, or trailer, of
// this name for a reserved one or one of own, however it reads names; see
// ascii.SameVariable. Empty names in own are ignored.
func Forged(name string, own []string) bool {
	if reserved(name) {
		return true
	}
	for _, o := range own {
		if o != "" && ascii.SameVariable(name, o) {
			return true
		}
	}
	return false
}

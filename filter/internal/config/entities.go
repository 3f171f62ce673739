package config

import (
	"strconv"

	"github.com/sallyport-gateway/sallyport/filter/internal/catalog"
)

// Only shapes are looked at here; what the parts must say, by themselves and
// together, is the catalog's to know.

var (
	apiMembers        = members{names: []string{"name", "version", "base_path", "hosts", "sequence"}, required: 3}
	productMembers    = members{names: []string{"name", "apis", "scopes"}, required: 1}
	productAPIMembers = members{names: []string{"name", "version", "operations"}, required: 1}
	operationMembers  = members{names: []string{"path", "methods"}, required: 1}
	appMembers        = members{names: []string{"name", "developer", "products", "keys", "status", "token_clients", "allowed_ips"}, required: 4}
	keyMembers        = members{names: []string{"id", "sha256", "status", "expires"}, required: 2, private: true}
)

func (r *reader) apis(v value) (apis []catalog.API, sequences []*sequence) {
	r.list(v, unbounded, func(v value) {
		var a catalog.API
		var own *sequence
		r.object(v, &apiMembers, func(name string, v value) {
			switch name {
			case "name":
				a.Name, _ = r.text(v)
			case "version":
				a.Version, _ = r.text(v)
			case "base_path":
				a.BasePath, _ = r.text(v)
			case "hosts":
				r.nonEmpty(v, "any host")
				a.Hosts = r.texts(v, unbounded)
			case "sequence":
				own = r.sequence(v)
			}
		})
		apis, sequences = append(apis, a), append(sequences, own)
	})
	if len(apis) == 0 && v.isList() {
		r.problem("must have at least one API")
	}
	return apis, sequences
}

func (r *reader) products(v value) (products []catalog.Product) {
	r.list(v, unbounded, func(v value) {
		var p catalog.Product
		r.object(v, &productMembers, func(name string, v value) {
			switch name {
			case "name":
				p.Name, _ = r.text(v)
			case "apis":
				r.nonEmpty(v, "all APIs")
				r.list(v, unbounded, func(v value) { p.APIs = append(p.APIs, r.productAPI(v)) })
			case "scopes":
				p.Scopes = r.texts(v, unbounded)
			}
		})
		products = append(products, p)
	})
	return products
}

func (r *reader) productAPI(v value) (granted catalog.ProductAPI) {
	r.object(v, &productAPIMembers, func(name string, v value) {
		switch name {
		case "name":
			granted.Name, _ = r.text(v)
		case "version":
			s, ok := r.text(v)
			if ok && s == "" {
				r.problem("must not be empty; leave it out for any version")
			}
			granted.Version = s
		case "operations":
			r.nonEmpty(v, "all operations")
			r.list(v, unbounded, func(v value) { granted.Operations = append(granted.Operations, r.operation(v)) })
		}
	})
	return granted
}

func (r *reader) operation(v value) (o catalog.Operation) {
	r.object(v, &operationMembers, func(name string, v value) {
		switch name {
		case "path":
			o.Path, _ = r.text(v)
		case "methods":
			r.nonEmpty(v, "all methods")
			o.Methods = r.texts(v, unbounded)
		}
	})
	return o
}

// minAppBytes is about the least that an app with a key takes.
const minAppBytes = 128

func (r *reader) apps(v value) (apps []catalog.App) {
	all := len(v)
	r.list(v, unbounded, func(v value) {
		if apps == nil { // there are thousands, and growing means copying
			apps = make([]catalog.App, 0, all/max(len(v), minAppBytes)+1)
		}
		a := catalog.App{Status: catalog.Approved}
		r.object(v, &appMembers, func(name string, v value) {
			switch name {
			case "name":
				a.Name, _ = r.text(v)
			case "developer":
				a.Developer, _ = r.text(v)
			case "status":
				a.Status = r.status(v)
			case "products":
				a.Products = r.texts(v, unbounded)
			case "token_clients":
				r.nonEmpty(v, "tokens of any client")
				a.TokenClients = r.texts(v, unbounded)
			case "allowed_ips":
				r.nonEmpty(v, "any address")
				a.AllowedIPs = r.prefixes(v)
			case "keys":
				r.list(v, unbounded, func(v value) { a.Keys = append(a.Keys, r.key(v)) })
			}
		})
		apps = append(apps, a)
	})
	return apps
}

func (r *reader) key(v value) catalog.Key {
	k := catalog.Key{Status: catalog.Approved}
	r.object(v, &keyMembers, func(name string, v value) {
		switch name {
		case "id":
			k.ID, _ = r.text(v)
		case "sha256":
			k.SHA256 = r.sha256(v)
		case "status":
			k.Status = r.status(v)
		case "expires":
			k.Expires = r.expiry(v)
		}
	})
	return k
}

func (r *reader) status(v value) catalog.Status {
	i, ok := r.word(v, statusWords...)
	if !ok {
		return catalog.NotApproved
	}
	return [...]catalog.Status{catalog.Approved, catalog.Pending, catalog.Revoked}[i]
}

// sha256 never shows what it read: it may be the key itself.
func (r *reader) sha256(v value) (sum [32]byte) {
	const wanted = "the SHA-256 of the key in 64 hex digits"
	if !v.isString() {
		r.wrong(v, wanted, "")
		return sum
	}
	s := v.content()
	if len(s) != 2*len(sum) {
		r.problem("must be " + wanted + ", got " + strconv.Itoa(len(s)) + " characters")
		return sum
	}
	for i := range sum {
		high, low := hexDigit(s[2*i]), hexDigit(s[2*i+1])
		if high > 15 || low > 15 {
			r.problem("must be " + wanted + ", got other characters")
			return [32]byte{}
		}
		sum[i] = high<<4 | low
	}
	return sum
}

// hexDigit is the value of a hex digit, over 15 for anything else.
// encoding/hex would link fmt into the guest.
func hexDigit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 0xff
}

// A key may expire from the year 2000 to the end of 9999: 0 would mean never.
const firstExpiry, lastExpiry = 946684800, 253402300799

// expiry reads a time, as unix seconds.
func (r *reader) expiry(v value) int64 {
	s, ok := r.peek(v)
	if !ok {
		return 0
	}
	t, ok := parseTime(s)
	if !ok || t < firstExpiry || t > lastExpiry {
		r.got(`must be a time such as "2027-05-01T00:00:00Z"`, s)
		return 0
	}
	return t
}

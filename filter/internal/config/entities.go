package config

import (
	"strconv"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/catalog"
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/quota"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/raisefault"
)

// Only shapes are checked here; what the parts must say, by themselves and
// together, is for the catalog to check.

var (
	apiMembers        = decode.Members{Names: []string{"name", "version", "base_path", "hosts", "sequence", "faults"}, Required: 3}
	productMembers    = decode.Members{Names: []string{"name", "apis", "scopes", "attributes", "quota"}, Required: 1}
	productAPIMembers = decode.Members{Names: []string{"name", "version", "operations"}, Required: 1}
	operationMembers  = decode.Members{Names: []string{"path", "methods"}, Required: 1}
	appMembers        = decode.Members{Names: []string{"name", "developer", "products", "keys", "status", "token_clients", "allowed_ips", "attributes"}, Required: 4}
	keyMembers        = decode.Members{Names: []string{"id", "sha256", "status", "expires"}, Required: 2, Private: true}
)

// Bounds of what an operator may say about an app or a product.
const (
	maxAttributes     = 32
	maxAttributeBytes = 1024
)

func (r *reader) apis(v decode.Value, c *Config) (apis []catalog.API, sequences []*sequence) {
	r.List(v, decode.Unbounded, func(v decode.Value) {
		var a catalog.API
		var own *sequence
		var faults *raisefault.Faults
		r.Object(v, &apiMembers, func(name string, v decode.Value) {
			switch name {
			case "name":
				a.Name, _ = r.Text(v)
			case "version":
				a.Version, _ = r.Text(v)
			case "base_path":
				a.BasePath, _ = r.Text(v)
			case "hosts":
				r.NonEmpty(v, "any host")
				a.Hosts = r.texts(v)
			case "sequence":
				own = r.sequence(v)
			case "faults":
				faults = raisefault.DecodeFaults(r.Reader, v)
			}
		})
		apis, sequences, c.apiFaults = append(apis, a), append(sequences, own), append(c.apiFaults, faults)
	})
	if len(apis) == 0 && v.IsList() {
		r.Problem("must have at least one API")
	}
	return apis, sequences
}

func (r *reader) products(v decode.Value, c *Config) (products []catalog.Product) {
	r.List(v, decode.Unbounded, func(v decode.Value) {
		var p catalog.Product
		var own policy.Quota
		r.Object(v, &productMembers, func(name string, v decode.Value) {
			switch name {
			case "name":
				p.Name, _ = r.Text(v)
			case "apis":
				r.NonEmpty(v, "all APIs")
				r.List(v, decode.Unbounded, func(v decode.Value) { p.APIs = append(p.APIs, r.productAPI(v)) })
			case "scopes":
				p.Scopes = r.texts(v)
			case "quota":
				own = quota.DecodeOwn(r.Reader, v)
			case "attributes":
				p.Attributes = r.NamedTexts(v, maxAttributes, maxAttributeBytes)
			}
		})
		if own.Limit > 0 {
			c.Quotas[p.Name] = own
		}
		products = append(products, p)
	})
	return products
}

func (r *reader) productAPI(v decode.Value) (granted catalog.ProductAPI) {
	r.Object(v, &productAPIMembers, func(name string, v decode.Value) {
		switch name {
		case "name":
			granted.Name, _ = r.Text(v)
		case "version":
			s, ok := r.Text(v)
			if ok && s == "" {
				r.Problem("must not be empty; leave it out for any version")
			}
			granted.Version = s
		case "operations":
			r.NonEmpty(v, "all operations")
			r.List(v, decode.Unbounded, func(v decode.Value) { granted.Operations = append(granted.Operations, r.operation(v)) })
		}
	})
	return granted
}

func (r *reader) operation(v decode.Value) (o catalog.Operation) {
	r.Object(v, &operationMembers, func(name string, v decode.Value) {
		switch name {
		case "path":
			o.Path, _ = r.Text(v)
		case "methods":
			r.NonEmpty(v, "all methods")
			o.Methods = r.texts(v)
		}
	})
	return o
}

// texts reads a list of any strings.
//
//go:noinline
func (r *reader) texts(v decode.Value) []string {
	return r.Strings(v, decode.Unbounded, func(v decode.Value) string {
		s, _ := r.Text(v)
		return s
	})
}

// minAppBytes is about the least that an app with a key takes.
const minAppBytes = 128

func (r *reader) apps(v decode.Value) (apps []catalog.App) {
	all := len(v)
	r.List(v, decode.Unbounded, func(v decode.Value) {
		if apps == nil { // there are thousands, and growing means copying
			apps = make([]catalog.App, 0, all/max(len(v), minAppBytes)+1)
		}
		a := catalog.App{Status: catalog.Approved}
		r.Object(v, &appMembers, func(name string, v decode.Value) {
			switch name {
			case "name":
				a.Name, _ = r.Text(v)
			case "developer":
				a.Developer, _ = r.Text(v)
			case "status":
				a.Status = r.status(v)
			case "products":
				a.Products = r.texts(v)
			case "token_clients":
				r.NonEmpty(v, "tokens of any client")
				a.TokenClients = r.texts(v)
			case "allowed_ips":
				r.NonEmpty(v, "any address")
				a.AllowedIPs = r.Prefixes(v)
			case "attributes":
				a.Attributes = r.NamedTexts(v, maxAttributes, maxAttributeBytes)
			case "keys":
				r.List(v, decode.Unbounded, func(v decode.Value) { a.Keys = append(a.Keys, r.key(v)) })
			}
		})
		apps = append(apps, a)
	})
	return apps
}

func (r *reader) key(v decode.Value) catalog.Key {
	k := catalog.Key{Status: catalog.Approved}
	r.Object(v, &keyMembers, func(name string, v decode.Value) {
		switch name {
		case "id":
			k.ID, _ = r.Text(v)
		case "sha256":
			k.SHA256 = r.sha256(v)
		case "status":
			k.Status = r.status(v)
		case "expires":
			k.Expires = r.Time(v, firstExpiry, lastExpiry)
		}
	})
	return k
}

func (r *reader) status(v decode.Value) catalog.Status {
	i, ok := r.Word(v, statusWords...)
	if !ok {
		return catalog.NotApproved
	}
	return [...]catalog.Status{catalog.Approved, catalog.Pending, catalog.Revoked}[i]
}

// sha256 never shows what it read: it may be the key itself.
func (r *reader) sha256(v decode.Value) (sum [32]byte) {
	const wanted = "the SHA-256 of the key in 64 hex digits"
	if !v.IsString() {
		r.Wrong(v, wanted, "")
		return sum
	}
	s := v.Content()
	if len(s) != 2*len(sum) {
		r.Problem("must be " + wanted + ", got " + strconv.Itoa(len(s)) + " characters")
		return sum
	}
	for i := range sum {
		var ok bool
		if sum[i], ok = ascii.Unhex(s[2*i], s[2*i+1]); !ok {
			r.Problem("must be " + wanted + ", got other characters")
			return [32]byte{}
		}
	}
	return sum
}

// A key may expire from the year 2000 to the end of 9999: 0 would mean never.
const firstExpiry, lastExpiry = 946684800, 253402300799

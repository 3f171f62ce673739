package envoy

import (
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/header"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/property"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
)

// maxRemembered bounds what is remembered of the names that a guest uses, of each kind.
const maxRemembered = 256

// remembered are names that a guest used before, so that using them again allocates nothing, and short header values.
type remembered struct {
	headerNames map[string]header.Name
	paths       map[string]*property.Path
	Text        wasmhost.TextStore
}

func newRemembered() remembered {
	return remembered{headerNames: map[string]header.Name{}, paths: map[string]*property.Path{}}
}

// HeaderName is header.NewName; for a name that the guest used before, it allocates nothing.
func (r *remembered) HeaderName(name []byte) header.Name {
	if n, ok := r.headerNames[string(name)]; ok {
		return n
	}
	n := header.NewName(string(name))
	if len(r.headerNames) < maxRemembered {
		r.headerNames[string(name)] = n
	}
	return n
}

// propertyPath is property.NewPath; for a path that the guest used before, it allocates nothing.
func (r *remembered) propertyPath(path []byte) *property.Path {
	if p, ok := r.paths[string(path)]; ok {
		return p
	}
	p := property.NewPath(string(path))
	if len(r.paths) < maxRemembered {
		r.paths[p.Text] = p
	}
	return p
}

package introspection

import (
	"cmp"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/breaker"
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/dpop"
)

// Bounds and the default of a call's timeout.
const (
	DefaultTimeout = 2 * time.Second
	minTimeout     = 10 * time.Millisecond
	maxTimeout     = 10 * time.Second
)

var optionMembers = decode.Members{Names: []string{"cluster", "authority", "path", "client_id", "client_secret", "timeout", "cache", "precheck", "client_auth", "private_key", "dpop",
	"retry", "stale_if_error", "max_in_flight", "breaker"}}

// Policy is introspect_token.
type Policy struct{}

// Decode implements policy.Kind.
func (*Policy) Decode(r *decode.Reader, v decode.Value, p *policy.Plan) {
	o := Options{
		Timeout: DefaultTimeout, CacheMaxTTL: defaultCacheTTL, CacheEntries: defaultCacheEntries,
		SharedEntries: defaultSharedEntries, NegativeTTL: defaultNegativeTTL,
		Retry: true, MaxInFlight: defaultInFlight, Breaker: breaker.Default,
	}
	var check decodedPrecheck
	given := map[string]bool{}
	ok := p.Options(r, v, &optionMembers, func(name string, v decode.Value) {
		switch name {
		case "cluster":
			o.Cluster = r.Visible(v)
		case "authority":
			o.Authority = r.Authority(v)
		case "path":
			o.Path = r.Path(v)
		case "client_id":
			o.ClientID = r.Printable(v)
		case "client_secret":
			o.Secret = r.Secret(v)
		case "timeout":
			o.Timeout = r.Duration(v, minTimeout, maxTimeout)
		case "cache":
			decodeCache(r, v, &o)
		case "precheck":
			check = decodePrecheck(r, v)
		case "client_auth":
			decodeClientAuth(r, v, &o)
		case "private_key":
			decodePrivateKey(r, v, &o)
		case "dpop":
			o.Binding.DPoP, o.Binding.Required = dpop.Decode(r, v)
		default:
			decodeOutage(r, name, v, &o)
		}
		given[name] = true
	})
	if !ok {
		return
	}
	if o.StaleIfError > 0 && o.CacheEntries == 0 {
		r.ProblemAt("stale_if_error", "needs a cache")
	}
	if check.mode != jwtOnly {
		for _, name := range append([]string{"cluster", "authority", "path"}, credentialsOf[o.ClientAuth]...) {
			if !given[name] {
				r.ProblemAt(name, "is required")
			}
		}
		checkCredentials(r, given, &o)
		p.Wait = o.Timeout
	}
	if check.mode != introspectAlways {
		keys := &check.options.Keys
		keys.Cluster, keys.Authority = cmp.Or(keys.Cluster, o.Cluster), cmp.Or(keys.Authority, o.Authority)
		if keys.Cluster == "" || keys.Authority == "" {
			r.ProblemAt("precheck", "needs cluster and authority, in jwks or beside precheck")
		}
		p.Wait += keys.Timeout
		o.Precheck = &check.options
	}
	p.Build = func(site *policy.Site) pipeline.Step {
		if check.mode == jwtOnly {
			return NewLocal(check.options, o.Binding, site.Ports)
		}
		return New(o, site.Ports)
	}
}

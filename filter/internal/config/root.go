package config

import (
	"strconv"

	"github.com/sallyport-gateway/sallyport/filter/internal/catalog"
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/jsonobject"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/identity"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/raisefault"
)

// formatVersion is the version of the configuration's own format.
const formatVersion = 1

var rootMembers = decode.Members{
	Names:    []string{"version", "apis", "fault_format", "identity_headers", "products", "apps", "sequence", "client_ip", "usage", "grpc", "faults", "rate_limit_headers"},
	Required: 2,
}

var (
	rateLimitMembers = decode.Members{Names: []string{"retry_after", "ratelimit", "ratelimit_policy", "admitted"}}

	grpcMembers = decode.Members{Names: []string{"rate_limited"}}
	// grpcRateLimited are gRPC's own names for them.
	grpcRateLimited = []string{"unavailable", "resource_exhausted"}
)

// root reads the whole configuration. The result is meaningful only if no
// problem was noted.
func (r *reader) root(v decode.Value) *Config {
	c := &Config{Identity: identity.DefaultHeaders(), Usage: defaultUsage(), IPv6Prefix: defaultIPv6Prefix,
		RateLimitHeaders: RateLimitHeaders{RetryAfter: true, RateLimit: true, Policy: true}, Quotas: map[string]policy.Quota{}}
	var (
		apis         []catalog.API
		own          []*sequence // of each API, nil when it has none
		products     []catalog.Product
		apps         []catalog.App
		defaultSteps *sequence
	)
	r.Object(v, &rootMembers, func(name string, v decode.Value) {
		switch name {
		case "version":
			r.version(v)
		case "fault_format":
			c.Format = r.faultFormat(v)
		case "identity_headers":
			c.Identity.Decode(r.Reader, v)
		case "grpc":
			r.Object(v, &grpcMembers, func(_ string, v decode.Value) {
				if i, _ := r.Word(v, grpcRateLimited...); i == 1 {
					c.GRPCRateLimited = denial.ResourceExhausted
				}
			})
		case "rate_limit_headers":
			r.rateLimitHeaders(v, &c.RateLimitHeaders)
		case "client_ip":
			r.clientIP(v, c)
		case "faults":
			c.Faults = raisefault.DecodeFaults(r.Reader, v)
		case "usage":
			r.usage(v, &c.Usage)
		case "apis":
			apis, own = r.apis(v, c)
		case "products":
			products = r.products(v, c)
		case "apps":
			apps = r.apps(v)
		case "sequence":
			defaultSteps = r.sequence(v)
		}
	})
	c.Catalog = catalog.Compile(&r.Problems, apis, products, apps)
	c.sequences = r.assign(own, defaultSteps)
	keys, set, tokens := headersOf(append(own, defaultSteps))
	c.NoTrailers = keys
	r.checkIdentity(c, set)
	if tokens {
		c.NoTrailers = withName(withName(c.NoTrailers, "authorization"), "dpop")
	}
	return c
}

func (r *reader) rateLimitHeaders(v decode.Value, h *RateLimitHeaders) {
	r.Object(v, &rateLimitMembers, func(name string, v decode.Value) {
		on := r.Boolean(v)
		switch name {
		case "retry_after":
			h.RetryAfter = on
		case "ratelimit":
			h.RateLimit = on
		case "ratelimit_policy":
			h.Policy = on
		case "admitted":
			h.Admitted = on
		}
	})
}

func (r *reader) version(v decode.Value) {
	if !v.IsNumber() {
		r.Wrong(v, strconv.Itoa(formatVersion), "")
	} else if n, fraction, ok := jsonobject.NumericDate(v); !ok || fraction || n != formatVersion {
		r.Problem("must be " + strconv.Itoa(formatVersion) + ", got " + decode.Cut(string(v)))
	}
}

func (r *reader) faultFormat(v decode.Value) denial.Format {
	s, ok := r.Text(v)
	if !ok {
		return denial.Apigee
	}
	f, err := denial.ParseFormat(s)
	if err != nil {
		r.Got(err.Error(), s)
	}
	return f
}

// assign gives each API its own sequence or else the default.
func (r *reader) assign(own []*sequence, byDefault *sequence) []*sequence {
	for i, s := range own {
		if s != nil {
			continue
		}
		if byDefault == nil {
			r.ProblemAt("apis["+strconv.Itoa(i)+"].sequence",
				"is required, because the configuration has no sequence for all APIs (for an API without any policy, write sequence: [])")
			byDefault = &sequence{}
		}
	}
	assigned := make([]*sequence, len(own))
	for i := len(own) - 1; i >= 0; i-- {
		s := own[i]
		if s == nil {
			s = byDefault
		}
		assigned[i], s.first = s, i
	}
	return assigned
}

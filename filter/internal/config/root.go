package config

import (
	"strconv"

	"github.com/tidwall/gjson"

	"github.com/sallyport-gateway/sallyport/filter/internal/catalog"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/identity"
	"github.com/sallyport-gateway/sallyport/filter/internal/problem"
)

// formatVersion is the version of the configuration's own format.
const formatVersion = 1

// unbounded is the limit of lists that only the document's size bounds.
const unbounded = -1

var rootMembers = members{
	names:    []string{"version", "apis", "fault_format", "identity_headers", "products", "apps", "sequence", "client_ip", "usage", "grpc", "rate_limit_headers"},
	required: 2,
}

var (
	rateLimitMembers = members{names: []string{"retry_after", "ratelimit", "ratelimit_policy", "admitted"}}

	grpcMembers = members{names: []string{"rate_limited"}}
	// grpcRateLimited are the names that gRPC itself has for them.
	grpcRateLimited = []string{"unavailable", "resource_exhausted"}
)

// root reads the whole configuration. It means something only when no problem
// was noted.
func (r *reader) root(v value) *Config {
	c := &Config{Identity: identity.DefaultHeaders(), Usage: defaultUsage(), IPv6Prefix: defaultIPv6Prefix,
		RateLimitHeaders: RateLimitHeaders{RetryAfter: true, RateLimit: true, Policy: true}}
	r.config = c
	var (
		apis         []catalog.API
		own          []*sequence // of each API, nil when it has none
		products     []catalog.Product
		apps         []catalog.App
		defaultSteps *sequence
	)
	r.object(v, &rootMembers, func(name string, v value) {
		switch name {
		case "version":
			r.version(v)
		case "fault_format":
			c.Format = r.faultFormat(v)
		case "identity_headers":
			r.identityHeaders(v, &c.Identity)
		case "grpc":
			r.object(v, &grpcMembers, func(_ string, v value) {
				if i, _ := r.word(v, grpcRateLimited...); i == 1 {
					c.GRPCRateLimited = denial.ResourceExhausted
				}
			})
		case "rate_limit_headers":
			r.rateLimitHeaders(v, &c.RateLimitHeaders)
		case "client_ip":
			r.clientIP(v, c)
		case "usage":
			r.usage(v, &c.Usage)
		case "apis":
			apis, own = r.apis(v)
		case "products":
			products = r.products(v)
		case "apps":
			apps = r.apps(v)
		case "sequence":
			defaultSteps = r.sequence(v)
		}
	})
	c.Catalog = catalog.Compile(&r.problems, apis, products, apps)
	c.sequences = r.assign(own, defaultSteps)
	c.NoTrailers = keyHeaders(append(own, defaultSteps))
	r.checkIdentity(c)
	return c
}

func (r *reader) rateLimitHeaders(v value, h *RateLimitHeaders) {
	r.object(v, &rateLimitMembers, func(name string, v value) {
		on := r.boolean(v)
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

func (r *reader) version(v value) {
	if !v.isNumber() {
		r.wrong(v, strconv.Itoa(formatVersion), "")
	} else if gjson.Parse(string(v)).Num != formatVersion {
		r.problem("must be " + strconv.Itoa(formatVersion) + ", got " + problem.Cut(string(v)))
	}
}

func (r *reader) faultFormat(v value) denial.Format {
	s, ok := r.text(v)
	if !ok {
		return denial.Apigee
	}
	f, err := denial.ParseFormat(s)
	if err != nil {
		r.got(err.Error(), s)
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
			r.problemAt("apis["+strconv.Itoa(i)+"].sequence",
				"is required, as the configuration has none for all APIs (an API without any policy says sequence: [])")
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

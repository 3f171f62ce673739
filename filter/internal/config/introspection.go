package config

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/catalog"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/introspection"
	"github.com/sallyport-gateway/sallyport/filter/internal/secret"
)

// Bounds and defaults of introspect_token.
const (
	defaultTimeout = 2 * time.Second
	minTimeout     = 10 * time.Millisecond
	maxTimeout     = 10 * time.Second

	maxVisible     = 1024 // bytes of a cluster, authority, path, issuer, audience
	maxCredential  = 4096 // bytes of a client secret
	maxEnvNameSize = 128
)

var (
	introspectMembers = members{names: []string{"cluster", "authority", "path", "client_id", "client_secret", "timeout", "cache", "precheck", "client_auth", "private_key", "dpop",
		"retry", "stale_if_error", "max_in_flight", "breaker", enabled, dryRun, onError}}
	secretMembers = members{names: []string{"env", "inline"}, private: true}
)

func (r *reader) introspectToken(v value, p *plan) {
	o := introspection.Options{
		Timeout: defaultTimeout, CacheMaxTTL: defaultCacheTTL, CacheEntries: defaultCacheEntries,
		SharedEntries: defaultSharedEntries, NegativeTTL: defaultNegativeTTL,
		Retry: true, MaxInFlight: defaultInFlight, Breaker: defaultBreaker,
	}
	var check precheck
	given := map[string]bool{}
	ok := r.object(v, &introspectMembers, func(name string, v value) {
		switch name {
		case "cluster":
			o.Cluster = r.visible(v)
		case "authority":
			o.Authority = r.authority(v)
		case "path":
			o.Path = r.endpointPath(v)
		case "client_id":
			o.ClientID = r.clientID(v)
		case "client_secret":
			o.Secret = r.secret(v)
		case "timeout":
			o.Timeout = r.duration(v, minTimeout, maxTimeout)
		case "cache":
			r.cache(v, &o)
		case "precheck":
			check = r.precheck(v)
		case "client_auth":
			r.clientAuth(v, &o)
		case "private_key":
			r.privateKey(v, &o)
		case "dpop":
			r.dpop(v, &o.Binding)
		default:
			if !r.outageMember(name, v, &o) {
				r.common(name, v, p)
			}
		}
		given[name] = true
	})
	if !ok {
		return
	}
	if o.StaleIfError > 0 && o.CacheEntries == 0 {
		r.problemAt("stale_if_error", "needs a cache")
	}
	if check.mode != jwtOnly {
		for _, name := range append([]string{"cluster", "authority", "path"}, credentialsOf[o.ClientAuth]...) {
			if !given[name] {
				r.problemAt(name, "is required")
			}
		}
		r.checkCredentials(given, &o)
		p.wait = o.Timeout
	}
	if check.mode != introspectAlways {
		keys := &check.options.Keys
		keys.Cluster, keys.Authority = cmp.Or(keys.Cluster, o.Cluster), cmp.Or(keys.Authority, o.Authority)
		if keys.Cluster == "" || keys.Authority == "" {
			r.problemAt("precheck", "needs cluster and authority, in jwks or beside precheck")
		}
		p.wait += keys.Timeout
		o.Precheck = &check.options
	}
	p.build = func(_ *catalog.Catalog, ports Ports, _ string) pipeline.Step {
		if check.mode == jwtOnly {
			return introspection.NewLocal(check.options, o.Binding, ports)
		}
		return introspection.New(o, ports)
	}
}

// secret reads {env: NAME} or {inline: TEXT}. No problem shows more of it than
// the name of a variable.
func (r *reader) secret(v value) (s secret.Value) {
	r.secretText(v, func(text, where string) { s = r.credential(text, where) })
	return s
}

// secretText gives the text, and says where it stands, to take.
func (r *reader) secretText(v value, take func(text, where string)) {
	if !v.isObject() {
		r.wrong(v, "{env: NAME} or {inline: SECRET}", "")
		return
	}
	count := 0
	r.object(v, &secretMembers, func(name string, v value) {
		count++
		switch name {
		case "env":
			r.secretFromEnv(v, take)
		case "inline":
			if text, ok := r.text(v); ok {
				take(text, "")
			}
		}
	})
	if count != 1 {
		r.problem("must be either {env: NAME} or {inline: SECRET}")
	}
}

func (r *reader) secretFromEnv(v value, take func(text, where string)) {
	name, ok := r.text(v)
	if !ok {
		return
	}
	if !envName(name) {
		r.problem("must be the name of an environment variable, of letters, digits and \"_\" (what stands there is not shown, as it could be the secret)")
		return
	}
	text, ok := r.env(name)
	if !ok {
		r.problem("names the environment variable " + name + ", which the VM does not have; give it to the VM (vm_config.environment_variables) and to the proxy")
		return
	}
	take(text, " in the environment variable "+name)
}

func envName(s string) bool {
	for i, c := range []byte(s) {
		if c != '_' && (!isAlphanumeric(c) || i == 0 && c <= '9') {
			return false
		}
	}
	return s != "" && len(s) <= maxEnvNameSize
}

// credential accepts what RFC 6749 appendix A.2 lets a client secret be.
func (r *reader) credential(text, where string) secret.Value {
	switch {
	case text == "":
		r.problem("must not be an empty secret" + where)
	case len(text) > maxCredential:
		r.problem("must be a secret of at most " + strconv.Itoa(maxCredential) + " bytes" + where)
	case !inRange(text, ' ', '~'):
		remedy := ""
		if last := text[len(text)-1]; last == '\n' || last == '\r' {
			remedy = "; it ends in a line end"
		}
		r.problem("must be a secret of printable ASCII" + where + remedy)
	default:
		return secret.New(text)
	}
	return secret.Value{}
}

// clientID accepts what RFC 6749 appendix A.1 lets a client id be.
func (r *reader) clientID(v value) string {
	s, ok := r.text(v)
	if ok && (s == "" || len(s) > maxVisible || !inRange(s, ' ', '~')) {
		r.got("must be printable ASCII and not empty", s)
	}
	return s
}

// visible reads ASCII text without blanks.
func (r *reader) visible(v value) string {
	s, ok := r.text(v)
	if ok && (s == "" || len(s) > maxVisible || !inRange(s, '!', '~')) {
		r.got("must be ASCII without blanks and not empty", s)
	}
	return s
}

func (r *reader) visibles(v value, limit int) []string {
	texts := []string{}
	r.list(v, limit, func(v value) { texts = append(texts, r.visible(v)) })
	return texts
}

func (r *reader) authority(v value) string {
	s, ok := r.text(v)
	valid := s != "" && len(s) <= maxVisible
	for _, c := range []byte(s) {
		valid = valid && (isAlphanumeric(c) || strings.IndexByte("-._:[]", c) >= 0)
	}
	if ok && !valid {
		r.got("must be a host name, with or without a port", s)
	}
	return s
}

func (r *reader) endpointPath(v value) string {
	s, ok := r.text(v)
	if ok && (s == "" || s[0] != '/' || len(s) > maxVisible || !inRange(s, '!', '~') || strings.IndexByte(s, '#') >= 0 || strings.IndexByte(s, '?') >= 0) {
		r.got(`must be a path that starts with "/", without "?" and "#"`, s)
	}
	return s
}

func inRange(s string, low, high byte) bool {
	for _, c := range []byte(s) {
		if c < low || c > high {
			return false
		}
	}
	return true
}

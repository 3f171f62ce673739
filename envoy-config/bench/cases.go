package bench

import (
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/load"
	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/site"
)

// Case is one thing that is measured once in every round.
type Case struct {
	Name        string
	Group       string
	Listener    string
	Base        string // name of the case that this one is compared with; empty for a base
	Request     load.Request
	Connections int
	Envoy       string // which one; see envoys
	Status      int    // of the answers
	Reason      string // of the filter's refusals
	Fill        int    // this many requests with a number of their own are sent before the first round
	Slow        bool   // left out of a short run
	Quota       bool   // needs the quota engine
}

// Groups are the parts of the table, in its order.
const (
	GroupContenders = "contenders"
	GroupSteps      = "each step alone"
	GroupRefusals   = "refusals"
	GroupConditions = "conditions"
	GroupQuota      = "quota of an app"
	GroupScale      = "many apps, APIs, tokens and callers"
	GroupWorkers    = "workers"
	GroupAgainst    = "against another build"
)

// The cases that criteria speak of.
const (
	NoFilter       = "no filter"
	NoFilterScript = "no filter, by script"
	NoFilterOne    = "no filter, 1 connection"
	NoFilter256    = "no filter, 256 connections"
	NoFilter2      = "no filter, 2 workers"
	NoFilterAlone  = "no filter, 1 worker"

	EmptyGo  = "empty Go filter"
	ExtAuthz = "ext_authz, gRPC to Go"
	Whole    = "whole sequence"
	Empty    = "empty sequence"

	MissingKey    = "missing key"
	UnknownKey    = "unknown key"
	GarbageToken  = "garbage token"
	InactiveToken = "inactive token"
	SpikeArrest   = "spike arrest"

	NoFilterUpstream = "no filter, real upstream"
	NoQuota          = "key, no quota"
	QuotaLocal       = "key, quota: local"
	QuotaReconciled  = "key, quota: reconciled"
	NoQuotaUpstream  = "key, real upstream, no quota"
	QuotaExact       = "key, real upstream, quota: exact"
	NativeQuota      = "Envoy's own ratelimit filter"

	WholeOne    = "whole, 1 connection"
	Whole256    = "whole, 256 connections"
	Whole2      = "whole, 2 workers"
	WholeAlone  = "whole, 1 worker"
	Apps        = "10,000 apps, one caller"
	APIs        = "1,000 APIs"
	OneToken    = "one token, by script"
	ManyTokens  = "100,000 tokens, all alike"
	SkewedToken = "100,000 tokens, few often"
	ColdTokens  = "cold tokens"
)

// The Envoys of a run. Those that are alone have the filter in one listener
// only, so that they differ in nothing but their number of workers.
const (
	mainEnvoy = "main"
	aloneOne  = "alone, 1 worker"
	aloneTwo  = "alone, 2 workers"
)

// envoys are the numbers of their workers.
var envoys = map[string]int{mainEnvoy: 1, aloneOne: 1, aloneTwo: 2}

const (
	usual       = 16 // connections
	manyHeaders = 40
	callers     = 10_000
	// coldFrom keeps cold tokens away from those that were sent before.
	coldFrom = 1_000_000
)

// Cases are all of them, in the order of the table. A base comes before what is
// compared with it.
func Cases(c *site.Caller) []Case {
	good := site.Request(site.Key(0), c.Token)
	b := builder{good: good}

	b.group = GroupContenders
	b.base(NoFilter, site.None, good)
	b.add("native limit, key", site.Native, good)
	b.add("native limit, key, JWT", site.NativeJWT, good)
	b.add(EmptyGo, site.Floor, good)
	b.add("Lua, key", site.Lua, good)
	b.add(Whole, site.Whole, good)
	b.add(ExtAuthz, site.ExtAuthz, good)

	b.group = GroupSteps
	b.add(Empty, site.Empty, good)
	b.add("ip_access", site.StepIPAccess, good)
	b.add("spike_arrest", site.StepSpikeArrest, good)
	b.add("verify_api_key", site.StepVerifyAPIKey, good)
	b.add("verify and remove_api_key", site.StepRemoveAPIKey, good)
	b.add("introspect_token", site.StepIntrospect, good)
	b.add("introspect and require_token", site.StepRequireToken, good)

	b.group = GroupRefusals
	b.refused(MissingKey, site.Whole, site.Without(good, "x-api-key"), http.StatusUnauthorized, "api_key.missing")
	b.refused(UnknownKey, site.Whole, site.Request("bench-key-of-nobody", c.Token), http.StatusUnauthorized, "api_key.unknown")
	b.refused(GarbageToken, site.Whole, site.Request(site.Key(0), "garbage"+strings.Repeat("!", 40)), http.StatusUnauthorized, "token.malformed")
	b.refused(InactiveToken, site.Whole, site.Request(site.Key(0), "garbage-"+c.Token), http.StatusUnauthorized, "token.inactive")
	b.refused(SpikeArrest, site.SpikeFull, good, http.StatusTooManyRequests, "spike_arrest.exceeded")

	b.group = GroupConditions
	b.connections = 1
	b.base(NoFilterOne, site.None, good)
	b.add(WholeOne, site.Whole, good)
	b.connections = 256
	b.base(NoFilter256, site.None, good)
	b.add(Whole256, site.Whole, good)
	b.connections = 0
	b.base("no filter, 40 headers", site.None, site.WithHeaders(good, manyHeaders))
	b.add("whole, 40 headers", site.Whole, site.WithHeaders(good, manyHeaders))
	b.base(NoFilterUpstream, site.NoneUpstream, good)
	b.add("whole, real upstream", site.WholeUpstream, good)

	b.quotas()
	b.scale(c)

	b.group = GroupWorkers
	b.envoy = aloneOne
	b.base(NoFilterAlone, site.None, good)
	b.add(WholeAlone, site.Whole, good)
	b.envoy = aloneTwo
	b.base(NoFilter2, site.None, good)
	b.add(Whole2, site.Whole, good)
	return b.cases
}

// against are usual cases, each with this build and with the others, side by
// side.
func against(all []Case, builds []string) []Case {
	if len(builds) == 0 {
		return nil
	}
	var pairs []Case
	for _, c := range all {
		if c.Base != NoFilter || !slices.Contains(site.Compared, c.Listener) || slices.Contains([]string{GroupConditions, GroupScale}, c.Group) {
			continue
		}
		c.Group = GroupAgainst
		for i, build := range builds {
			other := c
			other.Listener, other.Name = site.Other(c.Listener, i), c.Name+", "+filepath.Base(build)
			pairs = append(pairs, other)
		}
		c.Name += ", this build"
		pairs = append(pairs, c)
	}
	return pairs
}

// quotas adds what a quota costs over the same sequence without it, and what
// Envoy's own filter does with the same service.
func (b *builder) quotas() {
	b.group = GroupQuota
	b.base(NoQuota, site.NoQuota, b.good)
	b.add(QuotaLocal, site.QuotaLocal, b.good)
	b.add(QuotaReconciled, site.QuotaReconciled, b.good)
	b.last().Quota = true
	b.base(NoQuotaUpstream, site.NoQuotaUpstream, b.good)
	b.add(QuotaExact, site.QuotaExact, b.good)
	b.last().Quota = true
	b.baseName = NoFilterUpstream
	b.add(NativeQuota, site.NativeQuota, b.good)
	b.last().Quota = true
}

// scale adds what is large. Where each request has a number of its own wrk runs
// a script, which takes time on wrk's core, not on Envoy's. So those are
// compared with each other, and with an unfiltered request by script.
func (b *builder) scale(c *site.Caller) {
	b.group = GroupScale
	b.baseName = NoFilter
	b.add(Apps, site.Apps, b.good)
	b.add(APIs, site.APIs, b.good)
	b.add("a limit for each app", site.PerApp, b.good)
	b.add("a limit for each client address", site.PerIP, b.good)

	key := strings.Replace(site.Key(0), "0000000", load.Mark, 1)
	many := func(r load.Request, m load.Many) load.Request { r.Many = &m; return r }
	tokens := site.Request(site.Key(0), c.ManyTokens())
	b.base(NoFilterScript, site.None, many(tokens, load.Many{Count: 1}))
	b.add(OneToken, site.Whole, many(tokens, load.Many{Count: 1}))
	b.add("10,000 apps, all call", site.Apps, many(site.Request(key, c.Token), load.Many{Count: site.AppCount}))
	caller := b.good
	caller.Headers = append(slices.Clone(caller.Headers), load.Header{Name: site.CallerHeader, Value: "caller-" + load.Mark})
	b.add("a limit for each of 10,000 callers", site.PerHeader, many(caller, load.Many{Count: callers}))
	b.add(SkewedToken, site.Tokens, many(tokens, load.Many{Count: site.TokenCount, Skewed: true}))
	b.last().Fill, b.last().Slow = site.TokenCount, true
	b.add(ManyTokens, site.Tokens, many(tokens, load.Many{Count: site.TokenCount}))
	b.last().Fill, b.last().Slow = site.TokenCount, true
	b.add(ColdTokens, site.ColdTokens, many(tokens, load.Many{From: coldFrom, InTurn: true}))
	b.last().Slow = true
}

// builder collects cases that have much in common.
type builder struct {
	cases       []Case
	good        load.Request
	group       string
	baseName    string
	connections int    // 0 means usual
	envoy       string // empty means mainEnvoy
}

func (b *builder) last() *Case { return &b.cases[len(b.cases)-1] }

func (b *builder) refused(name, listener string, r load.Request, status int, reason string) {
	b.add(name, listener, r)
	b.last().Status, b.last().Reason = status, reason
}

func (b *builder) base(name, listener string, r load.Request) {
	b.baseName = ""
	b.add(name, listener, r)
	b.baseName = name
}

func (b *builder) add(name, listener string, r load.Request) {
	c := Case{
		Name: name, Group: b.group, Listener: listener, Base: b.baseName, Request: r,
		Connections: b.connections, Envoy: b.envoy, Status: http.StatusOK,
	}
	if c.Envoy == "" {
		c.Envoy = mainEnvoy
	}
	if c.Connections == 0 {
		c.Connections = usual
	}
	b.cases = append(b.cases, c)
}

// choose keeps the cases whose group and name, as "group/name", match the
// pattern only, with their bases; a short run leaves the slow ones out.
func choose(all []Case, only *regexp.Regexp, short bool) []Case {
	wanted := map[string]bool{}
	for _, c := range all {
		if only.MatchString(c.Group+"/"+c.Name) && !(short && c.Slow) {
			wanted[c.Name], wanted[c.Base] = true, true
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(c Case) bool { return !wanted[c.Name] })
}

// listenersOf are the listeners that an Envoy's cases need.
func listenersOf(cases []Case, envoy string) []string {
	names := []string{site.None, site.Whole}
	for _, c := range cases {
		if c.Envoy == envoy && !slices.Contains(names, c.Listener) {
			names = append(names, c.Listener)
		}
	}
	return names
}

package site

import (
	"fmt"
	"slices"
)

// The listeners, by name.
const (
	None      = "none"
	Native    = "native"
	NativeJWT = "native-jwt"
	Floor     = "floor"
	Lua       = "lua"
	ExtAuthz  = "ext-authz"

	Whole            = "whole"
	Empty            = "empty"
	StepIPAccess     = "ip-access"
	StepSpikeArrest  = "spike-arrest"
	StepVerifyAPIKey = "verify-api-key"
	StepRemoveAPIKey = "remove-api-key"
	StepIntrospect   = "introspect-token"
	StepRequireToken = "require-token"
	SpikeFull        = "spike-full"

	NoneUpstream  = "none-upstream"
	WholeUpstream = "whole-upstream"

	PerApp     = "per-app"
	PerIP      = "per-client-ip"
	PerHeader  = "per-header"
	Apps       = "apps"
	APIs       = "apis"
	Tokens     = "tokens"
	ColdTokens = "cold-tokens"
)

// How large the large ones are.
const (
	AppCount   = 10_000
	APICount   = 1_000
	TokenCount = 100_000
)

// CallerHeader tells callers apart at the listener PerHeader.
const CallerHeader = "x-caller"

// The caches of the listener Tokens have room for TokenCount: each VM's own, and
// the one that the workers share, whose buckets fill unevenly.
const (
	ownEntries    = 131_072
	sharedEntries = 524_288
)

// listener is one way through Envoy.
type listener struct {
	name     string
	filters  []object
	upstream bool // to the helper, instead of a direct response

	rateLimits []object // of the virtual host, for Envoy's own filter
}

// Modules are paths of compiled filters.
type Modules struct {
	Sallyport, Empty string
	Against          []string // other builds of Sallyport, for the listeners that Other names
}

// Compared are the listeners that may have other builds of the filter next to
// them.
var Compared = []string{Whole, Empty, StepIPAccess, StepSpikeArrest, StepVerifyAPIKey, StepRemoveAPIKey, StepIntrospect, StepRequireToken, SpikeFull}

// Other is the name of the listener that is like this one, with the n-th other
// build. VMs are named by it too.
func Other(listener string, n int) string { return fmt.Sprintf("%s-other-%d", listener, n) }

// sallyport are the listeners with the filter. Those with large tables have VMs
// of their own, because their garbage collector has more to scan.
func sallyport() map[string]struct {
	vm     string
	policy policy
} {
	type entry = struct {
		vm     string
		policy policy
	}
	defaults := introspect(nil)
	many := introspect(object{"entries": ownEntries, "shared_entries": sharedEntries, "max_ttl": "1h"})
	of := func(sequence ...object) entry { return entry{"sallyport", policy{sequence: sequence}} }
	all := of(whole(spikeArrest, defaults)...)
	return map[string]entry{
		Whole: all, WholeUpstream: all,
		Empty:            of(),
		StepIPAccess:     of(ipAccess),
		StepSpikeArrest:  of(spikeArrest),
		StepVerifyAPIKey: of(verifyAPIKey),
		StepRemoveAPIKey: of(verifyAPIKey, removeAPIKey),
		StepIntrospect:   of(defaults),
		StepRequireToken: of(defaults, requireToken),
		SpikeFull:        of(whole(alwaysFull, defaults)...),
		PerApp:           of(verifyAPIKey, removeAPIKey, perCaller("app"), defaults, requireToken),
		PerIP:            of(whole(perCaller("client_ip"), defaults)...),
		PerHeader:        of(whole(perCaller("header:"+CallerHeader), defaults)...),
		Apps:             {"apps", policy{apps: AppCount, sequence: whole(spikeArrest, defaults)}},
		APIs:             {"apis", policy{apis: APICount, sequence: whole(spikeArrest, defaults)}},
		Tokens:           {"tokens", policy{sequence: whole(spikeArrest, many)}},
		NoQuota:          of(verifyAPIKey, removeAPIKey),
		NoQuotaUpstream:  of(verifyAPIKey, removeAPIKey),
		QuotaLocal:       of(verifyAPIKey, removeAPIKey, quota("local")),
		QuotaReconciled:  of(verifyAPIKey, removeAPIKey, quota("reconciled")),
		QuotaExact:       of(verifyAPIKey, removeAPIKey, quota("exact")),
		ColdTokens:       {"cold", policy{sequence: whole(spikeArrest, defaults)}},
	}
}

// listeners are those with these names; all of them if there are none.
func listeners(c *Caller, m Modules, names []string) ([]listener, error) {
	out := []listener{
		{name: None},
		{name: NoneUpstream, upstream: true},
		{name: Native, filters: native()},
		{name: NativeJWT, filters: append(native(), nativeJWT(c.JWKS))},
		{name: Floor, filters: []object{wasm("floor", "floor", m.Empty, "")}},
		{name: Lua, filters: []object{lua()}},
		{name: ExtAuthz, filters: []object{extAuthz()}},
		nativeQuota(),
	}
	withUpstream := []string{WholeUpstream, NoQuotaUpstream, QuotaExact}
	for name, s := range sallyport() {
		text, err := s.policy.document()
		if err != nil {
			return nil, err
		}
		out = append(out, listener{
			name: name, filters: []object{wasm(name, s.vm, m.Sallyport, text)}, upstream: slices.Contains(withUpstream, name),
		})
		if !slices.Contains(Compared, name) {
			continue
		}
		for i, module := range m.Against {
			other := Other(name, i)
			out = append(out, listener{name: other, filters: []object{wasm(other, Other(s.vm, i), module, text)}})
		}
	}
	if len(names) == 0 {
		return out, nil
	}
	byName := map[string]listener{}
	for _, l := range out {
		byName[l.name] = l
	}
	var chosen []listener
	for _, name := range names {
		l, ok := byName[name]
		if !ok {
			return nil, fmt.Errorf("no listener %q", name)
		}
		chosen = append(chosen, l)
	}
	return chosen, nil
}

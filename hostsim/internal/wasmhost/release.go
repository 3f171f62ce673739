package wasmhost

import (
	"fmt"
	"slices"
	"strings"
)

// Release is what differs between the versions of proxy-wasm-cpp-host, by the Envoy that has it.
type Release struct {
	name string
	// wasiStubs: poll_oneoff answers 0 with no event, and path_filestat_get and its kin exist (proxy-wasm-cpp-host
	// #533, Envoy 1.39). Before that poll_oneoff answers ENOSYS and modules that import the others do not load.
	wasiStubs bool
	// pollInAllocator: poll_oneoff is allowed while the host calls the guest's allocator.
	pollInAllocator bool
	// envInKey: the VM's environment is part of its identity.
	envInKey bool
	// mainVoid: __main_void is called when there is no main (proxy-wasm-cpp-host #500).
	mainVoid bool
	// nesting is the same in all that were measured.
	nesting nesting
}

var releases = []Release{
	{name: "1.36", nesting: measuredNesting},
	{name: "1.37", nesting: measuredNesting},
	{name: "1.38", nesting: measuredNesting},
	{name: "1.39", nesting: measuredNesting, wasiStubs: true, pollInAllocator: true, envInKey: true, mainVoid: true},
	{name: "1.40", nesting: measuredNesting, wasiStubs: true, pollInAllocator: true, envInKey: true, mainVoid: true},
}

// ReleaseNames lists the Envoy versions that are known, oldest first.
func ReleaseNames() []string {
	names := make([]string, len(releases))
	for i := range releases {
		names[i] = releases[i].name
	}
	return names
}

func FindRelease(name string) (*Release, error) {
	i := slices.IndexFunc(releases, func(r Release) bool { return r.name == name })
	if i < 0 {
		return nil, fmt.Errorf("unknown Envoy profile %q: known profiles are %s", name, strings.Join(ReleaseNames(), ", "))
	}
	return &releases[i], nil
}

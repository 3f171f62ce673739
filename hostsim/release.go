package hostsim

import (
	"fmt"
	"slices"
	"strings"
)

// release is what differs between the versions of proxy-wasm-cpp-host, by the Envoy that has it.
type release struct {
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

var releases = []release{
	{name: "1.36", nesting: measuredNesting},
	{name: "1.37", nesting: measuredNesting},
	{name: "1.38", nesting: measuredNesting},
	{name: "1.39", nesting: measuredNesting, wasiStubs: true, pollInAllocator: true, envInKey: true, mainVoid: true},
	{name: "1.40", nesting: measuredNesting, wasiStubs: true, pollInAllocator: true, envInKey: true, mainVoid: true},
}

// releaseNames lists the Envoy versions that are known, oldest first.
func releaseNames() []string {
	names := make([]string, len(releases))
	for i := range releases {
		names[i] = releases[i].name
	}
	return names
}

func findRelease(name string) (*release, error) {
	i := slices.IndexFunc(releases, func(r release) bool { return r.name == name })
	if i < 0 {
		return nil, fmt.Errorf("unknown Envoy profile %q: know %s", name, strings.Join(releaseNames(), ", "))
	}
	return &releases[i], nil
}

package hostsim

import (
	"fmt"
	"slices"
	"strings"
)

// DefaultProfile is the Envoy version that a Process imitates unless WithProfile names another.
const DefaultProfile = "1.40"

// profile is what differs between Envoy versions.
type profile struct {
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
	// sign: the foreign function of that name exists.
	sign bool
	// connectReason: the text about a refused connection says why.
	connectReason bool
	// resetsClient: a backend's reset is passed on to the client as one. resetsBackend: the same the other way.
	resetsClient, resetsBackend bool
	// peerCertificateValid: the property connection.peer_certificate_valid exists.
	peerCertificateValid bool
	// keepsKeepAlive: a response's keep-alive header is the plugin's own affair.
	keepsKeepAlive bool
	// nesting is the same in all that were measured.
	nesting nesting
}

var profiles = []profile{
	{name: "1.36", nesting: measuredNesting, connectReason: true},
	{name: "1.37", nesting: measuredNesting, sign: true, connectReason: true},
	{name: "1.38", nesting: measuredNesting, sign: true, keepsKeepAlive: true, resetsClient: true},
	{name: "1.39", nesting: measuredNesting, sign: true, keepsKeepAlive: true, wasiStubs: true, pollInAllocator: true, envInKey: true, mainVoid: true, peerCertificateValid: true, resetsClient: true},
	{name: "1.40", nesting: measuredNesting, sign: true, keepsKeepAlive: true, wasiStubs: true, pollInAllocator: true, envInKey: true, mainVoid: true, peerCertificateValid: true, resetsClient: true, resetsBackend: true},
}

// refusedText is the body that stands for a connection that was refused.
func (p *profile) refusedText() string {
	text := "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure"
	if p.connectReason {
		text += ", transport failure reason: delayed connect error: Connection refused"
	}
	return text
}

// Profiles lists the names that WithProfile takes, oldest first.
func Profiles() []string {
	names := make([]string, len(profiles))
	for i := range profiles {
		names[i] = profiles[i].name
	}
	return names
}

func findProfile(name string) (*profile, error) {
	i := slices.IndexFunc(profiles, func(p profile) bool { return p.name == name })
	if i < 0 {
		return nil, fmt.Errorf("unknown Envoy profile %q: know %s", name, strings.Join(Profiles(), ", "))
	}
	return &profiles[i], nil
}

package envoy

import (
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
)

// DefaultProfile is the newest that was measured.
const DefaultProfile = "1.40"

// profile is what differs between Envoy versions, and in their proxy-wasm-cpp-host.
type profile struct {
	*wasmhost.Release
	// sign: the foreign function of that name exists.
	sign bool
	// connectReason: the text about a refused connection says why.
	connectReason bool
	// ResetsClient: a backend's reset is passed on to the client as one. resetsBackend: the same the other way.
	ResetsClient, ResetsBackend bool
	// peerCertificateValid: the property connection.peer_certificate_valid exists.
	peerCertificateValid bool
	// KeepsKeepAlive: a response's keep-alive header is left to the plugin.
	KeepsKeepAlive bool
}

var profiles = map[string]profile{
	"1.36": {connectReason: true},
	"1.37": {sign: true, connectReason: true},
	"1.38": {sign: true, KeepsKeepAlive: true, ResetsClient: true},
	"1.39": {sign: true, KeepsKeepAlive: true, peerCertificateValid: true, ResetsClient: true},
	"1.40": {sign: true, KeepsKeepAlive: true, peerCertificateValid: true, ResetsClient: true, ResetsBackend: true},
}

// RefusedText is the body that stands for a connection that was refused.
func (p *profile) RefusedText() string {
	text := "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure"
	if p.connectReason {
		text += ", transport failure reason: delayed connect error: Connection refused"
	}
	return text
}

func findProfile(name string) (*profile, error) {
	r, err := wasmhost.FindRelease(name)
	if err != nil {
		return nil, err
	}
	p := profiles[name]
	p.Release = r
	return &p, nil
}

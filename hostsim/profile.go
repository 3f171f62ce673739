package hostsim

// defaultProfile is the newest that was measured.
const defaultProfile = "1.40"

// profile is what differs between Envoy versions, and in their proxy-wasm-cpp-host.
type profile struct {
	*release
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
}

var profiles = map[string]profile{
	"1.36": {connectReason: true},
	"1.37": {sign: true, connectReason: true},
	"1.38": {sign: true, keepsKeepAlive: true, resetsClient: true},
	"1.39": {sign: true, keepsKeepAlive: true, peerCertificateValid: true, resetsClient: true},
	"1.40": {sign: true, keepsKeepAlive: true, peerCertificateValid: true, resetsClient: true, resetsBackend: true},
}

// refusedText is the body that stands for a connection that was refused.
func (p *profile) refusedText() string {
	text := "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure"
	if p.connectReason {
		text += ", transport failure reason: delayed connect error: Connection refused"
	}
	return text
}

func findProfile(name string) (*profile, error) {
	r, err := findRelease(name)
	if err != nil {
		return nil, err
	}
	p := profiles[name]
	p.release = r
	return &p, nil
}

package envoy

// StreamInfo is what is known of the connection. The zero value is a plain HTTP/1.1 client at 127.0.0.1.
type StreamInfo struct {
	// RemoteAddr is the peer, "ip:port".
	RemoteAddr string
	// ConnectionID is numbered by the host when it is 0.
	ConnectionID uint64
	// Protocol is "HTTP/1.1" unless given.
	Protocol string
	// TLS is set when the client uses TLS.
	TLS *TLSInfo
	// RouteName, VirtualHost, ClusterName, UpstreamAddr and FilterChain are what xds.* and upstream.* report. The backend
	// is at 127.0.0.1:8080 unless given.
	RouteName, VirtualHost, ClusterName, UpstreamAddr, FilterChain string
	// Properties win over all others, as WithProperty does, for this stream.
	Properties map[string]any
}

// TLSInfo is what connection.* reports of a TLS connection.
type TLSInfo struct {
	Version, ServerName string
	// PeerPresented: the client sent a certificate, which is all that connection.mtls says. PeerValid: it verified.
	PeerPresented, PeerValid                        bool
	PeerSubject, PeerURISAN, PeerDNSSAN, PeerSHA256 string
}

package envoy

import (
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/property"
)

// Asked is where the properties of a stream and of a connection come from.
type Asked interface {
	RequestProperty(rest string) property.Value
	ResponseProperty(rest string) property.Value
	// SourceAddress is the client's, "ip:port".
	SourceAddress() string
	// UpstreamChosen: the router has chosen a host. UpstreamConnected: it is connected to it.
	UpstreamChosen() bool
	UpstreamConnected() bool
	// Attempts is upstream.request_attempt_count; Routed: there is a route to report.
	Attempts() property.Value
	Routed() bool
	RouteName() property.Value
}

// Property is what is known without a stream.
func (c *BaseContext) Property(path []byte) (text string, data []byte, status abi.Status) {
	p := c.Guest.propertyPath(path)
	value, _ := c.pluginProperty(p)
	if p.Top == "xds" {
		value = c.xdsProperty(p.Rest)
	}
	return value.Render(&c.Guest.scratch)
}

// SetProperty has nowhere to store it.
func (c *BaseContext) SetProperty([]byte, []byte) abi.Status { return abi.StatusNotFound }

// pluginProperty is a property of the plugin; final is false when others may know the path.
func (c *BaseContext) pluginProperty(path *property.Path) (value property.Value, final bool) {
	if path.Text == "" {
		return property.Whole(), true
	}
	switch path.Top {
	case "plugin_name":
		return property.Text(c.Host.Config.Name).When(!path.Nested), true
	case "plugin_root_id":
		return property.Text(c.Host.Config.RootID).When(!path.Nested), true
	case "plugin_vm_id":
		return property.Text(c.Host.Config.VMID).When(!path.Nested), true
	}
	return property.Value{}, false
}

// Property is the value that the test sets, or else what is known.
func (c *FlowContext) Property(path []byte) (text string, data []byte, status abi.Status) {
	p := c.Guest.propertyPath(path)
	for _, given := range [...]map[string]any{c.flow.Info.Properties, c.Host.Config.Properties} {
		if len(given) == 0 {
			continue
		}
		if value, ok := given[p.Dotted]; ok {
			v, _ := property.Of(value) // checked when it was given
			return v.Render(&c.Guest.scratch)
		}
	}
	value, final := c.pluginProperty(p)
	if !final {
		value = c.property(p)
	}
	return value.Render(&c.Guest.scratch)
}

// property resolves a path. Source: Envoy context.cc findValue, getProperty, and filters/common/expr/context.cc.
func (c *FlowContext) property(path *property.Path) property.Value {
	if path.Top == "xds" {
		return c.xdsProperty(path.Rest)
	}
	if !path.Nested && wholes[path.Top] {
		return property.Whole()
	}
	s := c.flow
	switch path.Top {
	case "request":
		return c.of.RequestProperty(path.Rest)
	case "response":
		return c.of.ResponseProperty(path.Rest)
	case "connection":
		return s.connectionProperty(path.Rest)
	case "connection_id":
		return property.Number(s.Info.ConnectionID).When(!path.Nested)
	case "source":
		return property.Address(c.of.SourceAddress(), path.Rest)
	case "destination":
		return property.Address(s.Host.Config.LocalAddress, path.Rest)
	case "upstream":
		return c.upstreamProperty(path.Rest)
	case "filter_state":
		return s.stateProperty(path.Rest)
	case "metadata": // dynamic metadata, which nothing here sets
		return property.EmptyMetadata(path.Rest)
	case "upstream_filter_state":
		return property.Whole().When(!path.Nested && c.of.UpstreamConnected())
	}
	if path.Nested {
		return property.Value{}
	}
	return s.stateProperty(path.TopStateKey)
}

// wholes are the names that on their own stand for a whole object, which cannot be returned.
var wholes = map[string]bool{"request": true, "response": true, "connection": true, "source": true, "destination": true,
	"upstream": true, "filter_state": true}

func (s *Flow) connectionProperty(rest string) property.Value {
	tls := s.Info.TLS
	switch rest {
	case "id":
		return property.Number(s.Info.ConnectionID)
	case "mtls":
		return property.Bool(tls != nil && tls.PeerPresented)
	}
	if tls == nil {
		switch rest {
		case "requested_server_name":
			return property.Text("")
		case "peer_certificate_valid":
			return property.Bool(false).When(s.Host.Process.Profile.peerCertificateValid)
		}
		return property.Value{}
	}
	switch rest {
	case "requested_server_name":
		return property.Text(tls.ServerName)
	case "tls_version":
		return property.NonEmpty(tls.Version)
	case "subject_peer_certificate":
		return property.Text(tls.PeerSubject)
	case "uri_san_peer_certificate":
		return property.NonEmpty(tls.PeerURISAN)
	case "dns_san_peer_certificate":
		return property.NonEmpty(tls.PeerDNSSAN)
	case "sha256_peer_certificate_digest":
		return property.NonEmpty(tls.PeerSHA256)
	case "peer_certificate_valid":
		return property.Bool(tls.PeerValid).When(s.Host.Process.Profile.peerCertificateValid)
	}
	return property.Value{}
}

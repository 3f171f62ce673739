package envoy

import (
	"strings"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/property"
)

// What the filter can learn about the router's side. Source: Envoy filters/common/expr/context.cc UpstreamWrapper,
// XDSWrapper.

// upstreamLocalAddress is what upstream.local_address says: there is no socket.
const upstreamLocalAddress = "127.0.0.1:0"

func (c *FlowContext) upstreamProperty(rest string) property.Value {
	info := &c.flow.Info
	switch rest {
	case "request_attempt_count":
		return c.of.Attempts()
	case "local_address":
		return property.Text(upstreamLocalAddress).When(info.UpstreamAddr != "" && c.of.UpstreamConnected())
	case "transport_failure_reason":
		if c.flow.Flags&FlagUpstreamConnectionFailure != 0 && c.of.UpstreamChosen() {
			return property.Text("delayed connect error: Connection refused")
		}
		return property.Text("").When(c.of.UpstreamChosen())
	case "locality":
		return property.Text("").When(c.of.UpstreamChosen())
	case "cx_pool_ready_duration":
		return property.Number(int64(0)).When(c.of.UpstreamConnected())
	}
	return property.Address(info.UpstreamAddr, rest).When(c.of.UpstreamChosen())
}

// xdsProperty is what is known without a stream.
func (c *BaseContext) xdsProperty(rest string) property.Value {
	if rest == "" {
		return property.Whole()
	}
	if field, ok := strings.CutPrefix(rest, "node"); ok {
		return property.Node(c.Host.Process.node, field)
	}
	return property.Value{}
}

func (c *FlowContext) xdsProperty(rest string) property.Value {
	if value := c.BaseContext.xdsProperty(rest); !value.IsNone() {
		return value
	}
	info := &c.flow.Info
	rest, inside, _ := strings.Cut(rest, "\x00")
	if inside != "" && !strings.HasSuffix(rest, "_metadata") {
		return property.Value{}
	}
	switch rest {
	case "listener_direction":
		return property.Number(int64(0))
	case "listener_metadata":
		return property.EmptyMetadata(inside)
	case "filter_chain_name":
		return property.Text(info.FilterChain)
	}
	if !c.of.Routed() {
		return property.Value{}
	}
	switch rest {
	case "cluster_metadata":
		return property.EmptyMetadata(inside).When(info.ClusterName != "")
	case "route_metadata":
		return property.EmptyMetadata(inside).When(info.RouteName != "")
	case "virtual_host_metadata":
		return property.EmptyMetadata(inside).When(info.VirtualHost != "")
	case "upstream_host_metadata", "upstream_host_locality_metadata":
		return property.Whole().When(c.of.UpstreamChosen() && inside == "")
	case "route_name":
		return c.of.RouteName()
	case "virtual_host_name":
		return property.NonEmpty(info.VirtualHost)
	case "cluster_name":
		return property.NonEmpty(info.ClusterName)
	}
	return property.Value{}
}

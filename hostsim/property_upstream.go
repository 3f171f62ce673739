package hostsim

import (
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// What the filter can learn of the router's side. Source: Envoy filters/common/expr/context.cc UpstreamWrapper, XDSWrapper.

// upstreamLocalAddress is what upstream.local_address says: there is no socket.
const upstreamLocalAddress = "127.0.0.1:0"

func (c *flowContext) upstreamProperty(rest string) propertyValue {
	info := &c.flow.info
	switch rest {
	case "request_attempt_count":
		return c.of.attempts()
	case "local_address":
		return textValue(upstreamLocalAddress).when(info.UpstreamAddr != "" && c.of.upstreamConnected())
	case "transport_failure_reason":
		if c.flow.flags&flagUpstreamConnectionFailure != 0 && c.of.upstreamChosen() {
			return textValue("delayed connect error: Connection refused")
		}
		return textValue("").when(c.of.upstreamChosen())
	case "locality":
		return textValue("").when(c.of.upstreamChosen())
	case "cx_pool_ready_duration":
		return numberValue(int64(0)).when(c.of.upstreamConnected())
	}
	return addressProperty(info.UpstreamAddr, rest).when(c.of.upstreamChosen())
}

// xdsProperty is what is known without a stream.
func (c *baseContext) xdsProperty(rest string) propertyValue {
	if rest == "" {
		return wholeValue()
	}
	if field, ok := strings.CutPrefix(rest, "node"); ok {
		return nodeProperty(c.host.process.node, field)
	}
	return propertyValue{}
}

func (c *flowContext) xdsProperty(rest string) propertyValue {
	if value := c.baseContext.xdsProperty(rest); value.shape != noProperty {
		return value
	}
	info := &c.flow.info
	rest, inside, _ := strings.Cut(rest, "\x00")
	if inside != "" && !strings.HasSuffix(rest, "_metadata") {
		return propertyValue{}
	}
	switch rest {
	case "listener_direction":
		return numberValue(int64(0))
	case "listener_metadata":
		return emptyMetadata(inside)
	case "filter_chain_name":
		return textValue(info.FilterChain)
	}
	if !c.of.routed() {
		return propertyValue{}
	}
	switch rest {
	case "cluster_metadata":
		return emptyMetadata(inside).when(info.ClusterName != "")
	case "route_metadata":
		return emptyMetadata(inside).when(info.RouteName != "")
	case "virtual_host_metadata":
		return emptyMetadata(inside).when(info.VirtualHost != "")
	case "upstream_host_metadata", "upstream_host_locality_metadata":
		return wholeValue().when(c.of.upstreamChosen() && inside == "")
	case "route_name":
		return c.of.routeName()
	case "virtual_host_name":
		return nonEmpty(info.VirtualHost)
	case "cluster_name":
		return nonEmpty(info.ClusterName)
	}
	return propertyValue{}
}

// nodeProperty is the node, or with field a part of it. Only fields of text are known, and what WithNode does not give is
// as an Envoy without them has it.
func nodeProperty(node map[string]string, field string) propertyValue {
	field, nested := strings.CutPrefix(field, "\x00")
	if !nested {
		var message []byte
		for number, name := range []string{1: "id", 2: "cluster", 6: "user_agent_name"} {
			if value := node[name]; name != "" && value != "" {
				message = protowire.AppendTag(message, protowire.Number(number), protowire.BytesType)
				message = protowire.AppendString(message, value)
			}
		}
		return bytesValue(message)
	}
	switch value, ok := node[field]; {
	case ok:
		return textValue(value)
	case field == "metadata":
		return headersValue(nil)
	}
	return textValue("").when(nodeFields[field])
}

var nodeFields = map[string]bool{"id": true, "cluster": true, "locality": true, "locality\x00region": true,
	"locality\x00zone": true, "locality\x00sub_zone": true, "user_agent_name": true}

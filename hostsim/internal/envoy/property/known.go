package property

import (
	"net"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/header"
)

// EmptyMetadata is a Metadata message without anything in it, or its only field.
func EmptyMetadata(rest string) Value {
	switch rest {
	case "":
		return Bytes(nil)
	case "filter_metadata":
		return Pairs(nil)
	}
	return Value{}
}

// Address is a field of an address "ip:port".
func Address(address, field string) Value {
	if address == "" {
		return Value{}
	}
	switch field {
	case "address":
		return Text(address)
	case "port":
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return Value{}
		}
		n, err := strconv.ParseInt(port, 10, 32)
		return Number(n).When(err == nil)
	}
	return Value{}
}

// Header is a header by the rest of a path.
func Header(m *header.Map, rest string) Value {
	name, ok := strings.CutPrefix(rest, "headers\x00")
	if !ok || m == nil {
		return Value{}
	}
	value, ok := m.Joined(header.LowerName(name))
	return Text(value).When(ok)
}

// Node is the node, or with field a part of it. Only text fields are known; those that WithNode does not set are as in
// an Envoy without them.
func Node(node map[string]string, field string) Value {
	field, nested := strings.CutPrefix(field, "\x00")
	if !nested {
		var message []byte
		for number, name := range []string{1: "id", 2: "cluster", 6: "user_agent_name"} {
			if value := node[name]; name != "" && value != "" {
				message = protowire.AppendTag(message, protowire.Number(number), protowire.BytesType)
				message = protowire.AppendString(message, value)
			}
		}
		return Bytes(message)
	}
	switch value, ok := node[field]; {
	case ok:
		return Text(value)
	case field == "metadata":
		return Pairs(nil)
	}
	return Text("").When(nodeFields[field])
}

var nodeFields = map[string]bool{"id": true, "cluster": true, "locality": true, "locality\x00region": true,
	"locality\x00zone": true, "locality\x00sub_zone": true, "user_agent_name": true}

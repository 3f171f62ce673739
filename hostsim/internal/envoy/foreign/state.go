package foreign

import (
	"bytes"
	"net/netip"
	"strconv"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wire"
)

// filterObject makes an object of filter state from bytes: what a property then reads, and whether the bytes are valid.
type filterObject func(value []byte) (reads []byte, ok bool)

// UnreadableObject is an object that no property can read.
const UnreadableObject = "envoy.network.application_protocols"

// filterObjects are the names that a guest may set. Source: Envoy "Well known filter state objects"; which of them are
// there, what they take and what reads back as measured on 1.40.0.
var filterObjects = map[string]filterObject{
	"envoy.string":                                        textObject,
	"envoy.hashable_string":                               textObject,
	"envoy.network.upstream_server_name":                  textObject,
	"envoy.network.upstream_subject_alt_names":            textObject,
	"envoy.network.network_namespace":                     textObject,
	"envoy.tcp_proxy.cluster":                             textObject,
	"envoy.upstream.dynamic_host":                         textObject,
	"envoy.upstream.dynamic_port":                         numberObject,
	"envoy.ratelimit.hits_addend":                         numberObject,
	"envoy.tcp_proxy.per_connection_idle_timeout_ms":      numberObject,
	"envoy.network.transport_socket.original_dst_address": addressObject,
	"envoy.filters.listener.original_dst.local_ip":        addressObject,
	"envoy.filters.listener.original_dst.remote_ip":       addressObject,
	"envoy.network.ip":                                    ipObject,
	"envoy.tcp_proxy.disable_tunneling":                   boolObject,
	UnreadableObject:                                      textObject,
}

func textObject(value []byte) ([]byte, bool) { return bytes.Clone(value), true }

func numberObject(value []byte) ([]byte, bool) {
	_, err := strconv.ParseUint(string(value), 10, 32)
	return bytes.Clone(value), err == nil
}

// addressObject takes "ip:port" and reads as an empty map.
func addressObject(value []byte) ([]byte, bool) {
	_, err := netip.ParseAddrPort(string(value))
	return []byte{0, 0, 0, 0}, err == nil
}

func ipObject(value []byte) ([]byte, bool) {
	ip, err := netip.ParseAddr(string(value))
	return []byte(netip.AddrPortFrom(ip, 0).String()), err == nil
}

func boolObject(value []byte) ([]byte, bool) {
	return []byte(strconv.FormatBool(string(value) == "true")), true
}

// foreignSetFilterState takes {1: name, 2: value, 3: life span} and sets an object that other parts of Envoy read.
// NotFound: no such object, or a context without a stream. BadArgument: not a message, or a value that the object
// refuses. The life span is ignored.
func foreignSetFilterState(c Call) ([]byte, abi.Status) {
	fields, ok := wire.ParseMessage(c.Argument)
	if !ok {
		return nil, abi.StatusBadArgument
	}
	var name string
	var value []byte
	for _, f := range fields {
		switch {
		case f.ID == 1 && f.Len:
			name = string(f.Bytes)
		case f.ID == 2 && f.Len:
			value = f.Bytes
		}
	}
	object := filterObjects[name]
	if object == nil {
		return nil, abi.StatusNotFound
	}
	reads, ok := object(value)
	switch {
	case !ok:
		return nil, abi.StatusBadArgument
	case c.State == nil:
		return nil, abi.StatusNotFound
	}
	c.State[name] = reads
	return nil, abi.StatusOK
}

// foreignDeclareProperty takes {1: name, 2: read only, 3: type, 4: schema, 5: life span} for properties that the guest
// will set. BadArgument: not a message, or already declared. Only what a root declares counts; of the rest only "read
// only" has an effect here. Source: Envoy context.cc declareProperty, setProperty.
func foreignDeclareProperty(c Call) ([]byte, abi.Status) {
	fields, ok := wire.ParseMessage(c.Argument)
	if !ok {
		return nil, abi.StatusBadArgument
	}
	var name string
	readOnly := false
	for _, f := range fields {
		switch {
		case f.ID == 1 && f.Len:
			name = string(f.Bytes)
		case f.ID == 2 && !f.Len:
			readOnly = f.Number != 0
		}
	}
	if !c.Context.Declare(name, readOnly) {
		return nil, abi.StatusBadArgument
	}
	return nil, abi.StatusOK
}

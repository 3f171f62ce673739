package envoyrun

// smallestGuest is a module that every Envoy loads: an empty proxy_abi_version_0_2_1, a malloc that answers 1024, and a
// memory of one page.
const smallestGuest = "\x00asm\x01\x00\x00\x00" +
	"\x01\x09\x02\x60\x00\x00\x60\x01\x7f\x01\x7f" + // the types of both functions
	"\x03\x03\x02\x00\x01" + "\x05\x03\x01\x00\x01" + // functions, memory
	"\x07\x2d\x03\x06memory\x02\x00\x17proxy_abi_version_0_2_1\x00\x00\x06malloc\x00\x01" + // exports
	"\x0a\x0a\x02\x02\x00\x0b\x05\x00\x41\x80\x08\x0b" // code

// firstVM is a listener that nobody knows, for its plugin: V8 of Envoy 1.36 and 1.37 must begin before the
// workers where the processor has protection keys, or it ends the process with the first listener from discovery.
func firstVM() any {
	type object = map[string]any
	typed := func(name string, members object) object {
		members["@type"] = "type.googleapis.com/envoy.extensions.filters.network." + name
		return members
	}
	plugin := object{"name": "first-vm", "vm_config": object{
		"vm_id": "first-vm", "runtime": "envoy.wasm.runtime.v8",
		"code": object{"local": object{"inline_bytes": []byte(smallestGuest)}},
	}}
	return object{
		"name":    "first-vm",
		"address": object{"socket_address": object{"address": "127.0.0.1", "port_value": 0}},
		"filter_chains": []any{object{"filters": []any{
			object{"name": "first-vm", "typed_config": typed("wasm.v3.Wasm", object{"config": plugin})},
			object{"name": "tcp_proxy", "typed_config": typed("tcp_proxy.v3.TcpProxy", object{"stat_prefix": "first-vm", "cluster": "first-vm"})},
		}}},
	}
}

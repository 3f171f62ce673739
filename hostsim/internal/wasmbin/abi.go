package wasmbin

import "strings"

// MarkerPrefix begins the name of the export that says which ABI a module speaks.
const MarkerPrefix = "proxy_abi_version_"

// Markers are the exported functions that name an ABI version, in order. Envoy obeys the first that it knows.
func (o Outline) Markers() []string {
	var names []string
	for _, e := range o.Exports {
		if e.Kind == Function && strings.HasPrefix(e.Name, MarkerPrefix) {
			names = append(names, e.Name)
		}
	}
	return names
}

// Scannable says whether Envoy's own look at a module, before its engine's, gets to the end: the header, and sections
// that lie within the bytes. It does not look at the version, and takes fewer than 8 bytes for an empty module.
// Source: proxy-wasm-cpp-host src/bytecode_util.cc.
func Scannable(wasm []byte) bool {
	if len(wasm) < headerSize {
		return true
	}
	if [4]byte(wasm[:4]) != magic {
		return false
	}
	r := reader{b: wasm[headerSize:]}
	for len(r.b) > 0 {
		id := r.byte()
		body := reader{b: r.bytes(r.u32())}
		if r.failed {
			return false
		}
		var o outline
		if id == sectionExport {
			o.section(id, &body)
		} else if id == sectionCustom {
			body.name()
		}
		if body.failed {
			return false
		}
	}
	return true
}

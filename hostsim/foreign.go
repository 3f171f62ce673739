package hostsim

import (
	"bytes"
	"compress/zlib"
	"io"
)

// proxyCallForeignFunction(name, size, argument, size, result**, size*). NotFound: no such function. The result is
// written whatever the status. Source: proxy-wasm-cpp-host src/exports.cc call_foreign_function.
func proxyCallForeignFunction(v *vm, p []uint64) uint32 {
	name, ok := v.read(p[0], p[1])
	argument, ok2 := v.read(p[2], p[3])
	if !ok || !ok2 {
		return uint32(StatusInvalidMemoryAccess)
	}
	c := v.contextOrEffective()
	var result []byte
	var status Status
	if f := c.host.config.foreign[string(name)]; f != nil {
		result, status = f(bytes.Clone(argument))
	} else if f := envoyFunctions[string(name)]; f != nil && (string(name) != "sign" || v.thread.process.profile.sign) {
		result, status = f(c, argument)
	} else {
		return uint32(StatusNotFound)
	}
	if uint32(p[4]) != 0 && uint32(p[5]) != 0 {
		if s := v.give(result, p[4], p[5]); s != StatusOK {
			return uint32(s)
		}
	}
	return uint32(status)
}

// envoyFunction may read its argument only until it returns.
type envoyFunction func(c *guestContext, argument []byte) ([]byte, Status)

// envoyFunctions are those that Envoy registers. Source: Envoy source/extensions/common/wasm/foreign.cc; the statuses and
// bytes as measured on 1.40.0.
var envoyFunctions = map[string]envoyFunction{
	"verify_signature":       foreignVerifySignature,
	"sign":                   foreignSign,
	"compress":               foreignCompress,
	"uncompress":             foreignUncompress,
	"set_envoy_filter_state": foreignSetFilterState,
	"declare_property":       foreignDeclareProperty,
	"clear_route_cache":      func(*guestContext, []byte) ([]byte, Status) { return nil, StatusOK },
	"expr_create":            foreignExpression,
	"expr_evaluate":          foreignExpression,
	"expr_delete":            foreignExpression,
}

// foreignExpression answers as an Envoy that was built without the CEL parser, and says so.
func foreignExpression(c *guestContext, _ []byte) ([]byte, Status) {
	c.host.log(c.vm.thread.index, LevelWarn, "expr_create, expr_evaluate, expr_delete: there is no CEL here, "+
		"so they answer NotFound, as an Envoy without the CEL parser does; a stock Envoy has it", true)
	return nil, StatusNotFound
}

// foreignCompress gives the argument in zlib format. The bytes may differ from zlib's own; what they unpack to does not.
func foreignCompress(_ *guestContext, argument []byte) ([]byte, Status) {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = w.Write(argument) // a bytes.Buffer takes everything
	_ = w.Close()
	return b.Bytes(), StatusOK
}

// maxUncompressed bounds what one uncompress may make. Envoy has no bound of its own but memory.
const maxUncompressed = 64 << 20

// foreignUncompress unpacks zlib format. SerializationFailure: it is not that, or not whole.
func foreignUncompress(_ *guestContext, argument []byte) ([]byte, Status) {
	r, err := zlib.NewReader(bytes.NewReader(argument))
	if err != nil {
		return nil, StatusSerializationFailure
	}
	text, err := io.ReadAll(io.LimitReader(r, maxUncompressed+1))
	if err != nil || len(text) > maxUncompressed {
		return nil, StatusSerializationFailure
	}
	return text, StatusOK
}

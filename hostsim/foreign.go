package hostsim

import (
	"bytes"
	"compress/zlib"
	"io"
)

// envoyFunction may read its argument only until it returns.
type envoyFunction func(foreignCall) ([]byte, Status)

// foreignCall is one call of a foreign function: by which context, with the filter state of its stream if it has one.
type foreignCall struct {
	context  *baseContext
	state    map[string][]byte
	argument []byte
}

// envoyFunctions are those that Envoy registers. Source: Envoy source/extensions/common/wasm/foreign.cc; the statuses and
// bytes as measured on 1.40.0.
var envoyFunctions = map[string]envoyFunction{
	"verify_signature":       foreignVerifySignature,
	"sign":                   foreignSign,
	"compress":               foreignCompress,
	"uncompress":             foreignUncompress,
	"set_envoy_filter_state": foreignSetFilterState,
	"declare_property":       foreignDeclareProperty,
	"clear_route_cache":      func(foreignCall) ([]byte, Status) { return nil, StatusOK },
	"expr_create":            foreignExpression,
	"expr_evaluate":          foreignExpression,
	"expr_delete":            foreignExpression,
}

// foreignExpression answers as an Envoy that was built without the CEL parser, and says so.
func foreignExpression(c foreignCall) ([]byte, Status) {
	c.context.Log(LevelWarn, "expr_create, expr_evaluate, expr_delete: there is no CEL here, "+
		"so they answer NotFound, as an Envoy without the CEL parser does; a stock Envoy has it", true)
	return nil, StatusNotFound
}

// foreignCompress gives the argument in zlib format. The bytes may differ from zlib's own; what they unpack to does not.
func foreignCompress(c foreignCall) ([]byte, Status) {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = w.Write(c.argument) // a bytes.Buffer takes everything
	_ = w.Close()
	return b.Bytes(), StatusOK
}

// maxUncompressed bounds what one uncompress may make. Envoy has no bound of its own but memory.
const maxUncompressed = 64 << 20

// foreignUncompress unpacks zlib format. SerializationFailure: it is not that, or not whole.
func foreignUncompress(c foreignCall) ([]byte, Status) {
	r, err := zlib.NewReader(bytes.NewReader(c.argument))
	if err != nil {
		return nil, StatusSerializationFailure
	}
	text, err := io.ReadAll(io.LimitReader(r, maxUncompressed+1))
	if err != nil || len(text) > maxUncompressed {
		return nil, StatusSerializationFailure
	}
	return text, StatusOK
}

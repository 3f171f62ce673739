// Package foreign has the functions that Envoy offers through proxy_call_foreign_function.
package foreign

import (
	"bytes"
	"compress/zlib"
	"io"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

// Function may read its argument only until it returns.
type Function func(Call) ([]byte, abi.Status)

// Caller is the context that calls.
type Caller interface {
	Log(level abi.Level, message string, byHost bool)
	// Declare notes a property of the context; false when it was declared before.
	Declare(name string, readOnly bool) bool
	// Signs is true for an Envoy that has the function sign.
	Signs() bool
}

// Call is one call of a foreign function: by which context, with the filter state of its stream if it has one.
type Call struct {
	Context  Caller
	State    map[string][]byte
	Argument []byte
}

// Find returns nil when this Envoy has no function with that name.
func Find(name string, c Caller) Function {
	if name == "sign" && !c.Signs() {
		return nil
	}
	return envoyFunctions[name]
}

// envoyFunctions are those that Envoy registers. Source: Envoy source/extensions/common/wasm/foreign.cc; the statuses and
// bytes as measured on 1.40.0.
var envoyFunctions = map[string]Function{
	"verify_signature":       foreignVerifySignature,
	"sign":                   foreignSign,
	"compress":               foreignCompress,
	"uncompress":             foreignUncompress,
	"set_envoy_filter_state": foreignSetFilterState,
	"declare_property":       foreignDeclareProperty,
	"clear_route_cache":      func(Call) ([]byte, abi.Status) { return nil, abi.StatusOK },
	"expr_create":            foreignExpression,
	"expr_evaluate":          foreignExpression,
	"expr_delete":            foreignExpression,
}

// foreignExpression answers as an Envoy that was built without the CEL parser, and says so.
func foreignExpression(c Call) ([]byte, abi.Status) {
	c.Context.Log(abi.LevelWarn, "expr_create, expr_evaluate, expr_delete: there is no CEL here, "+
		"so they answer NotFound, as an Envoy without the CEL parser does; a stock Envoy has it", true)
	return nil, abi.StatusNotFound
}

// foreignCompress returns the argument in zlib format. The bytes may differ from zlib's own; what they unpack to does
// not.
func foreignCompress(c Call) ([]byte, abi.Status) {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = w.Write(c.Argument) // a bytes.Buffer takes everything
	_ = w.Close()
	return b.Bytes(), abi.StatusOK
}

// maxUncompressed bounds what one uncompress may make. Envoy has no bound of its own but memory.
const maxUncompressed = 64 << 20

// foreignUncompress unpacks zlib format. SerializationFailure: it is not zlib, or is incomplete.
func foreignUncompress(c Call) ([]byte, abi.Status) {
	r, err := zlib.NewReader(bytes.NewReader(c.Argument))
	if err != nil {
		return nil, abi.StatusSerializationFailure
	}
	text, err := io.ReadAll(io.LimitReader(r, maxUncompressed+1))
	if err != nil || len(text) > maxUncompressed {
		return nil, abi.StatusSerializationFailure
	}
	return text, abi.StatusOK
}

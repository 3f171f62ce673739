// Package wasmbin reads what a Wasm binary says about itself, its imports and exports, without compiling it, so that
// even a broken module can be described. Source: WebAssembly Core 2.0, section 5 (binary format).
package wasmbin

import (
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero/api"
)

// Kind is what an import or export is.
type Kind byte

// The kinds, as in the binary.
const (
	Function Kind = iota
	Table
	Memory
	Global
	Tag
)

var kindNames = [...]string{"function", "table", "memory", "global", "tag"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", byte(k))
}

// Signature is a function's type. It is not Known when the module's types are of a kind that this package cannot read.
type Signature struct {
	Params, Results []api.ValueType
	Known           bool
}

// Import is one thing that a module needs.
type Import struct {
	Module, Name string
	Kind         Kind
	Signature    Signature // of a function
}

// Export is one thing that a module offers.
type Export struct {
	Name      string
	Kind      Kind
	Signature Signature // of a function
	index     uint32
}

// Outline is what was read. The lists are in the order of the binary.
type Outline struct {
	Imports []Import
	Exports []Export
	// Producers says what made the module, such as "Go 1.26.0" or "clang 19", from the custom section of that name.
	Producers []string
}

// ErrCorrupt says that the bytes are not a complete module.
var ErrCorrupt = errors.New("not a whole Wasm module")

// functionForm begins a plain function type.
const functionForm = 0x60

// Sections that are read.
const (
	sectionCustom   = 0
	sectionType     = 1
	sectionImport   = 2
	sectionFunction = 3
	sectionExport   = 7
	sectionElement  = 9
)

const headerSize = 8

var magic = [4]byte{0, 'a', 's', 'm'}

// Read reads a module. Along with ErrCorrupt it returns what could be read: a damaged section is left out from the
// damage on.
func Read(wasm []byte) (Outline, error) {
	var o outline
	if len(wasm) < headerSize || [4]byte(wasm[:4]) != magic {
		return o.Outline, fmt.Errorf("%w: it does not begin with \\0asm", ErrCorrupt)
	}
	r := reader{b: wasm[headerSize:]}
	var damage error
	for len(r.b) > 0 {
		at := len(wasm) - len(r.b)
		id := r.byte()
		body := reader{b: r.bytes(r.u32())}
		if r.failed {
			return o.finish(), fmt.Errorf("%w: section %d at byte %d reaches beyond the end", ErrCorrupt, id, at)
		}
		if o.section(id, &body); body.failed && damage == nil {
			damage = fmt.Errorf("%w: section %d at byte %d cannot be read", ErrCorrupt, id, at)
		}
	}
	return o.finish(), damage
}

// outline is an Outline in the making.
type outline struct {
	Outline
	types     []Signature
	functions []uint32 // type index of each function, imports first
}

func (o *outline) section(id byte, r *reader) {
	switch id {
	case sectionCustom:
		if r.name() == "producers" {
			o.producers(&reader{b: r.b}) // a bad one does no harm
		}
	case sectionType:
		o.readTypes(r)
	case sectionImport:
		o.readImports(r)
	case sectionFunction:
		for n := r.count(); n > 0 && !r.failed; n-- {
			o.functions = append(o.functions, r.u32())
		}
	case sectionExport:
		for n := r.count(); n > 0 && !r.failed; n-- {
			e := Export{Name: r.name(), Kind: Kind(r.byte()), index: r.u32()}
			if !r.failed {
				o.Exports = append(o.Exports, e)
			}
		}
	}
}

// readTypes stops silently at the first type that is not a plain function type: whatever follows has unknown
// signatures.
func (o *outline) readTypes(r *reader) {
	for n := r.count(); n > 0 && !r.failed; n-- {
		if r.byte() != functionForm {
			return
		}
		params, plain := r.valueTypes()
		if !plain {
			return
		}
		results, plain := r.valueTypes()
		if !plain {
			return
		}
		if !r.failed {
			o.types = append(o.types, Signature{params, results, true})
		}
	}
}

func (o *outline) readImports(r *reader) {
	for n := r.count(); n > 0 && !r.failed; n-- {
		i := Import{Module: r.name(), Name: r.name(), Kind: Kind(r.byte())}
		switch i.Kind {
		case Function:
			index := r.u32()
			o.functions = append(o.functions, index)
			i.Signature = o.typeAt(index)
		case Table:
			r.byte()
			r.limits()
		case Memory:
			r.limits()
		case Global:
			r.byte()
			r.byte()
		case Tag:
			r.byte()
			r.u32()
		default:
			r.failed = true
		}
		if !r.failed {
			o.Imports = append(o.Imports, i)
		}
	}
}

func (o *outline) typeAt(index uint32) Signature {
	if uint64(index) < uint64(len(o.types)) {
		return o.types[index]
	}
	return Signature{}
}

// finish gives exported functions their signatures. Only in a broken module may these come after the exports.
func (o *outline) finish() Outline {
	for i := range o.Exports {
		e := &o.Exports[i]
		if e.Kind == Function && uint64(e.index) < uint64(len(o.functions)) {
			e.Signature = o.typeAt(o.functions[e.index])
		}
	}
	return o.Outline
}

// producers reads fields "language", "processed-by" and "sdk", each with names and versions.
func (o *outline) producers(r *reader) {
	for fields := r.count(); fields > 0 && !r.failed; fields-- {
		r.name()
		for values := r.count(); values > 0 && !r.failed; values-- {
			name, version := r.name(), r.name()
			if r.failed || len(o.Producers) == maxProducers {
				return
			}
			if version != "" {
				name += " " + version
			}
			o.Producers = append(o.Producers, name)
		}
	}
}

// maxProducers bounds the list that an untrusted module makes us print.
const maxProducers = 16

// Package forge makes small Wasm modules by hand, for tests of what a host does with modules that no compiler makes.
package forge

import "slices"

// Module is a module in the making. Signatures are letters: i is i32, I is i64, f is f32, F is f64.
type Module struct {
	types   [][]byte
	imports [][]byte
	funcs   [][]byte // type index of each
	exports [][]byte
	bodies  [][]byte
	data    [][]byte
	custom  []byte
	memory  bool
	defined bool // a function was defined: imports have to come before
}

// New is an empty module.
func New() *Module { return &Module{} }

// Guest is what every Envoy loads: a memory, an allocator, and the marker of the ABI version, such as "0_2_1".
func Guest(abi string) *Module {
	return New().Memory().ABI(abi).Body("malloc", "i", "i", i32Const, 0x80, 0x08) // 1024
}

const (
	opEnd       = 0x0b
	i32Const    = 0x41
	valI32      = 0x7f
	valI64      = 0x7e
	valF32      = 0x7d
	valF64      = 0x7c
	unreachable = 0x00
)

// Trap is the body of a function that traps; Loop that of one that never returns.
var (
	Trap = []byte{unreachable}
	Loop = []byte{0x03, 0x40, 0x0c, 0x00, opEnd, unreachable}
)

// ABI exports the marker of a version.
func (m *Module) ABI(version string) *Module { return m.Export("proxy_abi_version_"+version, "", "") }

// Memory exports a memory of one page.
func (m *Module) Memory() *Module {
	m.memory = true
	m.exports = append(m.exports, append(name("memory"), 2, 0))
	return m
}

// Import imports a function. All imports must come before the first function.
func (m *Module) Import(module, function, params, results string) *Module {
	return m.importKind(module, function, append([]byte{0}, leb(m.typeOf(params, results))...))
}

// ImportGlobal imports an i32 global.
func (m *Module) ImportGlobal(module, global string) *Module {
	return m.importKind(module, global, []byte{3, valI32, 0})
}

func (m *Module) importKind(module, item string, what []byte) *Module {
	if m.defined {
		panic("forge: import after a function")
	}
	m.imports = append(m.imports, slices.Concat(name(module), name(item), what))
	return m
}

// Export exports a function that returns zeros.
func (m *Module) Export(function, params, results string) *Module {
	var code []byte
	for _, r := range results {
		switch r {
		case 'i':
			code = append(code, i32Const, 0)
		case 'I':
			code = append(code, 0x42, 0)
		case 'f':
			code = append(code, 0x43, 0, 0, 0, 0)
		case 'F':
			code = append(code, 0x44, 0, 0, 0, 0, 0, 0, 0, 0)
		}
	}
	return m.Body(function, params, results, code...)
}

// Body exports a function with the given code.
func (m *Module) Body(function, params, results string, code ...byte) *Module {
	m.defined = true
	index := m.importedFunctions() + len(m.funcs)
	m.funcs = append(m.funcs, leb(m.typeOf(params, results)))
	body := slices.Concat([]byte{0}, code, []byte{opEnd})
	m.bodies = append(m.bodies, append(leb(len(body)), body...))
	m.exports = append(m.exports, slices.Concat(name(function), []byte{0}, leb(index)))
	return m
}

func (m *Module) importedFunctions() int {
	n := 0
	for _, i := range m.imports {
		rest := i[1+int(i[0]):]
		if rest[1+int(rest[0])] == 0 {
			n++
		}
	}
	return n
}

// Data puts bytes into the memory.
func (m *Module) Data(at int, bytes string) *Module {
	m.data = append(m.data, slices.Concat([]byte{0}, Push(at), []byte{opEnd}, leb(len(bytes)), []byte(bytes)))
	return m
}

// Push is the code of an i32.const.
func Push(n int) []byte {
	code := []byte{i32Const}
	for {
		b := byte(n & 0x7f)
		n >>= 7
		if n == 0 && b&0x40 == 0 || n == -1 && b&0x40 != 0 {
			return append(code, b)
		}
		code = append(code, b|0x80)
	}
}

// Call is the code that calls the import or function with that index.
func Call(index int) []byte { return append([]byte{0x10}, leb(index)...) }

// Drop is the code that drops a result.
const Drop = 0x1a

// Custom adds a custom section at the end.
func (m *Module) Custom(section string, data []byte) *Module {
	m.custom = append(m.custom, sectionOf(0, append(name(section), data...))...)
	return m
}

// Bytes is the binary.
func (m *Module) Bytes() []byte {
	out := []byte{0, 'a', 's', 'm', 1, 0, 0, 0}
	out = append(out, vector(1, m.types)...)
	out = append(out, vector(2, m.imports)...)
	out = append(out, vector(3, m.funcs)...)
	if m.memory {
		out = append(out, vector(5, [][]byte{{0, 1}})...)
	}
	out = append(out, vector(7, m.exports)...)
	out = append(out, vector(10, m.bodies)...)
	out = append(out, vector(11, m.data)...)
	return append(out, m.custom...)
}

func (m *Module) typeOf(params, results string) int {
	t := slices.Concat([]byte{0x60}, values(params), values(results))
	i := slices.IndexFunc(m.types, func(other []byte) bool { return slices.Equal(t, other) })
	if i < 0 {
		m.types = append(m.types, t)
		i = len(m.types) - 1
	}
	return i
}

func values(letters string) []byte {
	out := leb(len(letters))
	for _, l := range letters {
		out = append(out, map[rune]byte{'i': valI32, 'I': valI64, 'f': valF32, 'F': valF64}[l])
	}
	return out
}

// name is a short name: its length takes one byte.
func name(s string) []byte {
	if len(s) > 127 {
		panic("forge: name too long")
	}
	return append([]byte{byte(len(s))}, s...)
}

func vector(id byte, items [][]byte) []byte {
	if len(items) == 0 {
		return nil
	}
	return sectionOf(id, slices.Concat(leb(len(items)), slices.Concat(items...)))
}

func sectionOf(id byte, body []byte) []byte { return slices.Concat([]byte{id}, leb(len(body)), body) }

func leb(n int) []byte {
	var out []byte
	for {
		b := byte(n & 0x7f)
		if n >>= 7; n == 0 {
			return append(out, b)
		}
		out = append(out, b|0x80)
	}
}

package wasmbin

import "fmt"

// maxLocals bounds the local variables of a function, which a module writes as numbers, not one by one.
// Source: V8 src/wasm/wasm-limits.h kV8MaxWasmFunctionLocals.
const maxLocals = 50_000

// CheckSizes returns an error when a module declares more than it has: more elements of a section than bytes, a string
// or data longer than what is left, more locals than V8 takes. An engine that believes such a number allocates
// gigabytes for a file of twenty bytes. Everything else is left to the engine.
func CheckSizes(wasm []byte) error {
	parts, ok := sections(wasm)
	if !ok {
		return ErrCorrupt
	}
	for _, s := range parts {
		r := sizes{reader{b: s.body}}
		r.section(s.id)
		if r.failed {
			return fmt.Errorf("%w: section %d at byte %d declares more than it has", ErrCorrupt, s.id, s.start)
		}
	}
	return nil
}

// sizes walks over a section and fails at an impossible size. At what it does not understand it gives up: its b is then
// empty.
type sizes struct{ reader }

func (r *sizes) leave() { r.b = nil }

func (r *sizes) section(id byte) {
	const start = 8
	switch id {
	case sectionCustom:
		if r.name() == "name" {
			r.names()
		}
		return
	case start, sectionDataCount:
		return
	}
	n := r.count()
	var element func()
	switch id {
	case sectionType:
		element = r.functionType
	case sectionCode:
		element = r.function
	case sectionElement:
		element = r.elements
	case sectionData:
		element = r.data
	default: // of the others only the number can be false
		return
	}
	for ; n > 0 && len(r.b) > 0 && !r.failed; n-- {
		element()
	}
}

func (r *sizes) functionType() {
	if r.byte() != functionForm {
		r.leave()
		return
	}
	for range 2 {
		if _, plain := r.valueTypes(); !plain {
			r.leave()
			return
		}
	}
}

func (r *sizes) function() {
	body := reader{b: r.bytes(r.u32())}
	locals := uint64(0)
	for groups := body.count(); groups > 0 && !body.failed; groups-- {
		locals += uint64(body.u32())
		if t := body.byte(); t == nullableReference || t == reference {
			break
		}
	}
	r.failed = r.failed || locals > maxLocals
}

func (r *sizes) data() {
	const passive, withMemory = 1, 2
	switch r.u32() {
	case 0:
		r.expression()
	case passive:
	case withMemory:
		r.u32()
		r.expression()
	default:
		r.leave()
	}
	if len(r.b) > 0 {
		r.bytes(r.u32())
	}
}

// elements reads one of the eight kinds of element segments. Source: WebAssembly Core 2.0, section 5.5.12.
func (r *sizes) elements() {
	const passive, explicit, expressions = 1, 2, 4
	kind := r.u32()
	if kind > passive|explicit|expressions {
		r.leave()
		return
	}
	if kind&passive == 0 {
		if kind&explicit != 0 {
			r.u32()
		}
		r.expression()
	}
	if kind&(passive|explicit) != 0 && len(r.b) > 0 {
		if t := r.byte(); t == nullableReference || t == reference {
			r.leave()
		}
	}
	if len(r.b) == 0 {
		return
	}
	for n := r.count(); n > 0 && len(r.b) > 0 && !r.failed; n-- {
		if kind&expressions != 0 {
			r.expression()
		} else {
			r.u32()
		}
	}
}

// expression skips a constant expression, and gives up when it has an unusual instruction.
func (r *sizes) expression() {
	const (
		globalGet, i64Const, f32Const, f64Const = 0x23, 0x42, 0x43, 0x44
		refNull, refFunc                        = 0xd0, 0xd2
	)
	for !r.failed {
		switch r.byte() {
		case opEnd:
			return
		case opI32Const, i64Const:
			r.u64()
		case f32Const:
			r.bytes(4)
		case f64Const:
			r.bytes(8)
		case globalGet, refFunc:
			r.u32()
		case refNull:
			r.byte()
		case 0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e: // add, sub and mul of either width
		default:
			r.leave()
			return
		}
	}
}

// names are the subsections of the name section.
func (r *sizes) names() {
	const functions, locals = 1, 2
	for len(r.b) > 0 && !r.failed {
		id := r.byte()
		sub := reader{b: r.bytes(r.u32())}
		if id != functions && id != locals {
			continue
		}
		for n := sub.count(); n > 0 && !sub.failed; n-- {
			sub.u32()
			if id == functions {
				sub.bytes(sub.u32())
				continue
			}
			for n := sub.count(); n > 0 && !sub.failed; n-- {
				sub.u32()
				sub.bytes(sub.u32())
			}
		}
		r.failed = r.failed || sub.failed
	}
}

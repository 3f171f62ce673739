package wasmhost

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tetratelabs/wazero/api"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmbin"
)

// fault is one reason why an Envoy does not load a module: in its own words, and what a reader may do about it.
type fault struct {
	words, hint string
}

func (f fault) loadError() *LoadError {
	if f.hint == "" {
		return &LoadError{f.words}
	}
	return &LoadError{f.words + " (" + f.hint + ")"}
}

// Envoy's words for what is wrong with a module as a whole. Source: proxy-wasm-cpp-host src/wasm.cc load; measured.
const (
	wordsEmpty    = "Plugin failed to load"
	wordsCorrupt  = "Failed to parse corrupted Wasm module"
	wordsNoABI    = "Missing or unknown Proxy-Wasm ABI version"
	wordsBytecode = "Failed to load Wasm bytecode"
	wordsNoMalloc = "Wasm module is missing malloc function."
)

// readABI is what Envoy does first: it walks over the sections and takes the first marker that it knows.
func readABI(wasm []byte, o wasmbin.Outline) (abiVersion, *fault) {
	if len(wasm) == 0 {
		return 0, &fault{words: wordsEmpty, hint: "the file is empty"}
	}
	if !wasmbin.Scannable(wasm) {
		return 0, &fault{words: wordsCorrupt, hint: "the file is cut short, or is not a Wasm module"}
	}
	markers := o.Markers()
	for _, name := range markers {
		if v, ok := abiMarkers[name]; ok {
			return v, nil
		}
	}
	hint := "no export proxy_abi_version_0_2_1: the module was not made with a Proxy-Wasm SDK, or the linker dropped the export"
	switch {
	case len(markers) > 0:
		hint = "Envoy does not know " + markers[0]
	case madeByGoCompiler(o):
		hint = "no export proxy_abi_version_0_2_1: the Go compiler uses //go:wasmexport, as in github.com/proxy-wasm/proxy-wasm-go-sdk, " +
			"not the //export of an SDK for TinyGo, such as github.com/tetratelabs/proxy-wasm-go-sdk"
	}
	return 0, &fault{words: wordsNoABI, hint: hint}
}

func madeByGoCompiler(o wasmbin.Outline) bool {
	return slices.ContainsFunc(o.Producers, func(name string) bool { return strings.HasPrefix(name, "Go cmd/compile") })
}

// checkSizes comes before the engine, which would believe a module's numbers. Envoy's engine rejects them too.
func checkSizes(wasm []byte) *fault {
	if err := wasmbin.CheckSizes(wasm); err != nil {
		return &fault{wordsBytecode, err.Error()}
	}
	return nil
}

// linkFaults compares a module's imports with what this Envoy offers, and then its exports with what it looks up.
// Envoy stops at the first import that does not fit, and names every export. Source: proxy-wasm-cpp-host
// src/v8/v8.cc link, src/wasm.cc getFunctions; the words are measured.
func linkFaults(o wasmbin.Outline, abi abiVersion, p *Release) []fault {
	var faults []fault
	for _, i := range o.Imports {
		if f := importFault(i, abi, p); f != nil {
			faults = append(faults, *f)
		}
	}
	return append(faults, exportFaults(o, abi, p)...)
}

func importFault(i wasmbin.Import, abi abiVersion, p *Release) *fault {
	const missing = "Failed to load Wasm module due to a missing import: "
	switch i.Kind {
	case wasmbin.Function:
	case wasmbin.Memory, wasmbin.Table: // Envoy makes them
		return nil
	default:
		return &fault{missing + i.Module + "." + i.Name, "no host offers a " + i.Kind.String()}
	}
	def := findHostcall(i.Module, i.Name, abi, p)
	if def == nil {
		return &fault{missing + i.Module + "." + i.Name, missingImportHint(i.Module, i.Name, abi, p)}
	}
	if i.Signature.Known && !(sameTypes(i.Signature.Params, def.Params) && sameTypes(i.Signature.Results, def.Results)) {
		return &fault{words: fmt.Sprintf("Failed to load Wasm module due to an import type mismatch: %s.%s, want: %s, but host exports: %s",
			i.Module, i.Name, signature(i.Signature.Params, i.Signature.Results), signature(def.Params, def.Results))}
	}
	return nil
}

func missingImportHint(module, name string, abi abiVersion, p *Release) string {
	for i := range releases {
		if findHostcall(module, name, abi, &releases[i]) != nil {
			return fmt.Sprintf("Envoy %s lacks it; Envoy %s and later have it", p.name, releases[i].name)
		}
	}
	for _, other := range []abiVersion{abi010, abi020, abi021} {
		if findHostcall(module, name, other, p) != nil {
			return "it belongs to a different ABI version from the one that the module exports"
		}
	}
	return ""
}

// allocators are looked up in this order. Source: proxy-wasm-cpp-host src/wasm.cc getFunctions.
var allocators = []string{"malloc", "proxy_on_memory_allocate"}

// lookup is one export that Envoy looks up, and the signature that it must have.
type lookup struct {
	name            string
	params, results []api.ValueType
}

// lookups of a module, by what it exports; the allocator is not among them.
func lookups(exported func(string) bool, abi abiVersion, p *Release) []lookup {
	var list []lookup
	if exported("_initialize") {
		list = append(list, lookup{name: "_initialize"})
		if main := (lookup{"main", sig("ii"), sig("i")}); exported("main") || !p.mainVoid {
			list = append(list, main)
		} else {
			list = append(list, lookup{"__main_void", nil, sig("i")})
		}
	} else {
		list = append(list, lookup{name: "_start"})
	}
	for i := range callbackTable {
		if def := &callbackTable[i]; abi > abi010 || Callback(i) != onForeignFunction {
			list = append(list, lookup{def.name, def.paramsFor(abi), def.results})
		}
	}
	return append(list, neverCalled...)
}

// neverCalled are looked up, and so must fit, but this host does not call them.
var neverCalled = []lookup{
	{"proxy_validate_configuration", sig("ii"), sig("i")},
}

func exportFaults(o wasmbin.Outline, abi abiVersion, p *Release) []fault {
	var faults []fault
	functions := map[string]wasmbin.Signature{}
	for _, e := range o.Exports {
		if e.Kind == wasmbin.Function {
			functions[e.Name] = e.Signature
		}
	}
	fits := func(l lookup) bool {
		s, ok := functions[l.name]
		if !ok || s.Known && !(sameTypes(s.Params, l.params) && sameTypes(s.Results, l.results)) {
			if ok {
				faults = append(faults, fault{words: fmt.Sprintf("Bad function signature for: %s, want: %s, but the module exports: %s",
					l.name, signature(l.params, l.results), signature(s.Params, s.Results))})
			}
			return false
		}
		return true
	}
	all := lookups(func(name string) bool { _, ok := functions[name]; return ok }, abi, p)
	starts := slices.IndexFunc(all, func(l lookup) bool { return l.name == callbackTable[0].name })
	for _, l := range all[:starts] {
		fits(l)
	}
	if !slices.ContainsFunc(allocators, func(name string) bool { return fits(lookup{name, sig("i"), sig("i")}) }) {
		faults = append(faults, fault{wordsNoMalloc, "export malloc or proxy_on_memory_allocate: the host puts data there"})
	}
	for _, l := range all[starts:] {
		fits(l)
	}
	return faults
}

func sameTypes(a, b []api.ValueType) bool {
	return string(a) == string(b)
}

package hostsim

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// LoadError says why Envoy would not load a module, in Envoy's words where it has any.
type LoadError struct {
	Reason string
}

func (e *LoadError) Error() string { return "load wasm module: " + e.Reason }

// Module is compiled code, ready for any number of VMs, Hosts and profiles. Close releases it, after all its Hosts.
type Module struct {
	wasm []byte
	hash string

	cache wazero.CompilationCache

	mu      sync.Mutex
	linked  map[bool]*linkedModule // by profile.wasiStubs
	closers []func(context.Context) error
}

// linkedModule is a module in a runtime that has one set of host functions.
type linkedModule struct {
	runtime wazero.Runtime
	code    wazero.CompiledModule
	abi     abiVersion
}

// abiVersion is what the guest's marker export says.
type abiVersion int

const (
	abi010 abiVersion = iota + 1
	abi020
	abi021
)

var abiMarkers = map[string]abiVersion{
	"proxy_abi_version_0_1_0": abi010, "proxy_abi_version_0_2_0": abi020, "proxy_abi_version_0_2_1": abi021,
}

// CompileOptions are optional.
type CompileOptions struct {
	// CacheDir keeps machine code on disk between runs.
	CacheDir string
}

// Compile checks and compiles a module. The error is a *LoadError when no Envoy would take it.
func Compile(ctx context.Context, wasm []byte, o CompileOptions) (*Module, error) {
	sum := sha256.Sum256(wasm)
	m := &Module{wasm: wasm, hash: hex.EncodeToString(sum[:]), linked: map[bool]*linkedModule{}}
	if o.CacheDir != "" {
		cache, err := wazero.NewCompilationCacheWithDir(o.CacheDir)
		if err != nil {
			return nil, fmt.Errorf("open compilation cache: %w", err)
		}
		m.cache = cache
	} else {
		m.cache = wazero.NewCompilationCache()
	}
	newest := profiles[len(profiles)-1]
	code, err := m.runtimeFor(ctx, &newest)
	if err != nil {
		return nil, errors.Join(err, m.Close(ctx))
	}
	if code.abi == 0 {
		return nil, errors.Join(&LoadError{"Missing or unknown Proxy-Wasm ABI version"}, m.Close(ctx))
	}
	return m, nil
}

// Close releases the code.
func (m *Module) Close(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var errs []error
	for _, f := range m.closers {
		errs = append(errs, f(ctx))
	}
	m.closers, m.linked = nil, map[bool]*linkedModule{}
	if m.cache != nil {
		errs = append(errs, m.cache.Close(ctx))
		m.cache = nil
	}
	return errors.Join(errs...)
}

// forProfile gives the code linked against a profile's host functions, or the *LoadError that this Envoy would give.
func (m *Module) forProfile(ctx context.Context, p *profile) (*linkedModule, error) {
	code, err := m.runtimeFor(ctx, p)
	if err != nil {
		return nil, err
	}
	if err := checkImports(code, p); err != nil {
		return nil, err
	}
	return code, checkExports(code)
}

func (m *Module) runtimeFor(ctx context.Context, p *profile) (*linkedModule, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l, ok := m.linked[p.wasiStubs]; ok {
		return l, nil
	}
	if m.cache == nil {
		return nil, errors.New("module is closed")
	}
	config := wazero.NewRuntimeConfig().WithCompilationCache(m.cache).WithMemoryLimitPages(maxMemoryPages)
	runtime := wazero.NewRuntimeWithConfig(ctx, config)
	l := &linkedModule{runtime: runtime}
	code, err := runtime.CompileModule(ctx, m.wasm)
	if err != nil {
		return nil, errors.Join(&LoadError{"Failed to load Wasm bytecode: " + err.Error()}, runtime.Close(ctx))
	}
	l.code = code
	for name := range code.ExportedFunctions() {
		if v, ok := abiMarkers[name]; ok {
			l.abi = v
		}
	}
	if err := instantiateHostModules(ctx, runtime, p); err != nil {
		return nil, errors.Join(err, runtime.Close(ctx))
	}
	m.linked[p.wasiStubs] = l
	m.closers = append(m.closers, runtime.Close)
	return l, nil
}

// checkImports compares each import with what this Envoy offers.
func checkImports(l *linkedModule, p *profile) error {
	for _, f := range l.code.ImportedFunctions() {
		module, name, _ := f.Import()
		def := findHostcall(module, name, l.abi, p)
		if def == nil {
			return &LoadError{"Failed to load Wasm module due to a missing import: " + module + "." + name +
				missingImportHint(module, name, l.abi, p)}
		}
		if !sameTypes(f.ParamTypes(), def.params) || !sameTypes(f.ResultTypes(), def.results) {
			return &LoadError{fmt.Sprintf("Failed to load Wasm module due to an import type mismatch for function %s.%s, "+
				"want: %s, but host exports: %s", module, name,
				signature(f.ParamTypes(), f.ResultTypes()), signature(def.params, def.results))}
		}
	}
	return nil
}

func missingImportHint(module, name string, abi abiVersion, p *profile) string {
	for i := range profiles {
		if findHostcall(module, name, abi, &profiles[i]) != nil {
			return fmt.Sprintf(" (Envoy %s lacks it; Envoy %s and later have it)", p.name, profiles[i].name)
		}
	}
	for _, other := range []abiVersion{abi010, abi020, abi021} {
		if findHostcall(module, name, other, p) != nil {
			return " (it belongs to another ABI version than the one that the module exports)"
		}
	}
	return ""
}

// checkExports compares the callbacks that the module exports with the ABI.
func checkExports(l *linkedModule) error {
	exports := l.code.ExportedFunctions()
	for i := range callbackTable {
		def := &callbackTable[i]
		f, ok := exports[def.name]
		if !ok {
			continue
		}
		if !sameTypes(f.ParamTypes(), def.paramsFor(l.abi)) || !sameTypes(f.ResultTypes(), def.results) {
			return &LoadError{fmt.Sprintf("Bad function signature for: %s: got %s, want %s", def.name,
				signature(f.ParamTypes(), f.ResultTypes()), signature(def.paramsFor(l.abi), def.results))}
		}
	}
	for _, name := range allocators {
		if _, ok := exports[name]; ok {
			return nil
		}
	}
	return &LoadError{"Wasm missing malloc/free: the module exports neither malloc nor proxy_on_memory_allocate"}
}

// allocators are looked up in this order. Source: proxy-wasm-cpp-host src/wasm.cc getFunctions.
var allocators = []string{"malloc", "proxy_on_memory_allocate"}

func sameTypes(a, b []api.ValueType) bool {
	return string(a) == string(b)
}

func signature(params, results []api.ValueType) string {
	return typeNames(params) + " -> " + typeNames(results)
}

func typeNames(types []api.ValueType) string {
	if len(types) == 0 {
		return "void"
	}
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = api.ValueTypeName(t)
	}
	return strings.Join(names, " ")
}

package wasmhost

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/codestore"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmbin"
)

// LoadError says why Envoy would not load a module, in Envoy's words where it has any.
type LoadError struct {
	Reason string
}

func (e *LoadError) Error() string { return "load wasm module: " + e.Reason }

// Module is compiled code, ready for any number of VMs, Hosts and profiles. Close releases it, after all its Hosts.
type Module struct {
	hash    string
	outline wasmbin.Outline
	abi     abiVersion

	mu      sync.Mutex
	code    *codestore.Code
	linked  map[bool]*LinkedModule // by profile.wasiStubs
	closers []func(context.Context) error
}

// LinkedModule is a module in a runtime that has one set of host functions.
type LinkedModule struct {
	runtime wazero.Runtime
	code    wazero.CompiledModule
	abi     abiVersion
	spares  spareMemory
}

// abiVersion is what the guest's marker export says.
type abiVersion int

const (
	abi010 abiVersion = iota + 1
	abi020
	abi021
)

const abiMarkerPrefix = "proxy_abi_version_"

var abiMarkers = map[string]abiVersion{
	"proxy_abi_version_0_1_0": abi010, "proxy_abi_version_0_2_0": abi020, "proxy_abi_version_0_2_1": abi021,
}

// CompileOptions are options of Compile, none of which is required.
type CompileOptions struct {
	// CacheDir keeps machine code on disk between runs, in a folder for each module: the second run neither compiles nor
	// validates. What is there is trusted as the module itself is; it may be deleted at any time.
	CacheDir string
}

// Compile checks and compiles a module. The error is a *LoadError when no Envoy would take it.
func Compile(ctx context.Context, wasm []byte, o CompileOptions) (*Module, error) {
	sum := sha256.Sum256(wasm)
	m := &Module{hash: hex.EncodeToString(sum[:]), linked: map[bool]*LinkedModule{}}
	m.outline, _ = wasmbin.Read(wasm) // the compiler finds what is broken
	var unfit *fault
	if m.abi, unfit = readABI(wasm, m.outline); unfit != nil {
		return nil, unfit.loadError()
	}
	if unfit := checkSizes(wasm); unfit != nil {
		return nil, unfit.loadError()
	}
	if o.CacheDir == "" {
		if err := m.use(ctx, codestore.Memory(wasm)); err != nil {
			return nil, err
		}
		return m, nil
	}
	if code := codestore.Load(o.CacheDir, m.hash); code != nil {
		if m.use(ctx, code) == nil && code.Used() {
			return m, nil
		}
		if err := m.Close(ctx); err != nil {
			return nil, err
		}
	}
	code, err := codestore.Fresh(o.CacheDir, m.hash, wasm)
	if err != nil {
		return nil, err
	}
	if err := m.use(ctx, code); err != nil {
		return nil, err
	}
	if err := code.Save(ctx); err != nil {
		return nil, errors.Join(err, m.Close(ctx))
	}
	return m, nil
}

// use has the code compiled, or decoded, for the newest Envoy. After an error the module is closed.
func (m *Module) use(ctx context.Context, code *codestore.Code) error {
	m.code = code
	newest := &releases[len(releases)-1]
	if _, err := m.runtimeFor(ctx, newest); err != nil {
		return errors.Join(err, m.Close(ctx))
	}
	return nil
}

// Close releases the code.
func (m *Module) Close(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var errs []error
	for _, f := range m.closers {
		errs = append(errs, f(ctx))
	}
	m.closers, m.linked = nil, map[bool]*LinkedModule{}
	if m.code != nil {
		errs = append(errs, m.code.Close(ctx))
		m.code = nil
	}
	return errors.Join(errs...)
}

// ForRelease returns the code linked against a profile's host functions, or the *LoadError with which this Envoy would
// refuse it.
func (m *Module) ForRelease(ctx context.Context, p *Release) (*LinkedModule, error) {
	code, err := m.runtimeFor(ctx, p)
	if err != nil {
		return nil, err
	}
	if faults := linkFaults(m.outline, code.abi, p); len(faults) > 0 {
		return nil, faults[0].loadError()
	}
	return code, nil
}

// Check returns nil if the Envoy version of that profile would load the module, and otherwise a *LoadError.
func (m *Module) Check(ctx context.Context, profile string) error {
	p, err := FindRelease(profile)
	if err != nil {
		return err
	}
	_, err = m.ForRelease(ctx, p)
	return err
}

func (m *Module) runtimeFor(ctx context.Context, p *Release) (*LinkedModule, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l, ok := m.linked[p.wasiStubs]; ok {
		return l, nil
	}
	if m.code == nil {
		return nil, errors.New("module is closed")
	}
	config := wazero.NewRuntimeConfig().WithCompilationCache(m.code.Cache).WithMemoryLimitPages(maxMemoryPages).WithDebugInfoEnabled(false)
	runtime := wazero.NewRuntimeWithConfig(ctx, config)
	l := &LinkedModule{runtime: runtime, abi: m.abi}
	code, err := runtime.CompileModule(ctx, m.code.Binary)
	if err != nil {
		return nil, errors.Join(&LoadError{wordsBytecode + ": " + firstLine(err)}, runtime.Close(ctx))
	}
	l.code = code
	if err := instantiateHostModules(ctx, runtime, p); err != nil {
		return nil, errors.Join(err, runtime.Close(ctx))
	}
	m.linked[p.wasiStubs] = l
	m.closers = append(m.closers, runtime.Close)
	return l, nil
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

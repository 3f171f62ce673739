package hostsim

import (
	"context"
	"fmt"
	"os"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
)

// Profiles lists the names that WithProfile takes, oldest first.
func Profiles() []string { return wasmhost.ReleaseNames() }

// Module is compiled code, ready for any number of VMs, Hosts and Envoy versions. Close releases it, after all its Hosts.
type Module struct{ code *wasmhost.Module }

// Compile checks and compiles a module. The error is a *LoadError when no Envoy would take it.
func Compile(ctx context.Context, wasm []byte, o CompileOptions) (*Module, error) {
	code, err := wasmhost.Compile(ctx, wasm, o)
	if err != nil {
		return nil, err
	}
	return &Module{code: code}, nil
}

// CompileFile reads and compiles a module from a file.
func CompileFile(ctx context.Context, path string, o CompileOptions) (*Module, error) {
	wasm, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read wasm module: %w", err)
	}
	return Compile(ctx, wasm, o)
}

// Check returns nil if the Envoy version of that profile would load the module, and otherwise a *LoadError.
func (m *Module) Check(ctx context.Context, profile string) error { return m.code.Check(ctx, profile) }

// Close releases the code.
func (m *Module) Close(ctx context.Context) error { return m.code.Close(ctx) }

// CompileOptions are optional.
type CompileOptions = wasmhost.CompileOptions

// Inspection is what a module says about itself, and what each Envoy version says to that.
type Inspection = wasmhost.Inspection

// Inspect describes a module, however broken, for all Profiles.
func Inspect(ctx context.Context, wasm []byte) Inspection { return wasmhost.Inspect(ctx, wasm) }

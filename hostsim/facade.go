package hostsim

import (
	"context"
	"fmt"
	"os"
)

// DefaultProfile is the Envoy version that a Process imitates unless WithProfile names another.
const DefaultProfile = defaultProfile

// Profiles lists the names that WithProfile takes, oldest first.
func Profiles() []string { return releaseNames() }

// Module is compiled code, ready for any number of VMs, Hosts and Envoy versions. Close releases it, after all its Hosts.
type Module struct{ code *compiled }

// Compile checks and compiles a module. The error is a *LoadError when no Envoy would take it.
func Compile(ctx context.Context, wasm []byte, o CompileOptions) (*Module, error) {
	code, err := newCompiled(ctx, wasm, o)
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

// Check is nil when the Envoy version of that profile would load the module, and else a *LoadError.
func (m *Module) Check(ctx context.Context, profile string) error { return m.code.Check(ctx, profile) }

// Close releases the code.
func (m *Module) Close(ctx context.Context) error { return m.code.Close(ctx) }

package wasmhost

import (
	"context"
	"fmt"
	"slices"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// Hostcall is one function that the host offers to guests.
type Hostcall struct {
	Module  string
	Name    string
	Params  []api.ValueType
	Results []api.ValueType
	// Args names the parameters for the trace, one letter each; see renderArgs.
	Args string
	// fn does the work; the stack holds the parameters. What it returns goes to the guest when there is a result.
	fn func(v *VM, stack []uint64) uint32
	// atStart and inAllocator: allowed while _initialize runs, and while the host calls the guest's allocator. Any other
	// call there traps. Source: proxy-wasm-cpp-host src/wasm.cc, include/proxy-wasm/wasm.h allocMemory.
	atStart, inAllocator bool
	// abis that have it; 0 means all.
	from, to abiVersion
	// wasi: not a Hostcall of the proxy ABI; not counted.
	wasi bool
	// stubsOnly: only in profiles from 1.39 on. newerUnrestricted: inAllocator and atStart hold only there.
	stubsOnly, newerUnrestricted bool
}

const (
	moduleEnv          = "env"
	moduleWASI         = "wasi_snapshot_preview1"
	moduleWASIUnstable = "wasi_unstable"
)

// sig makes value types from letters: i is i32, I is i64.
func sig(letters string) []api.ValueType {
	types := make([]api.ValueType, len(letters))
	for i, c := range letters {
		types[i] = api.ValueTypeI32
		if c == 'I' {
			types[i] = api.ValueTypeI64
		}
	}
	return types
}

// findHostcall is nil when an Envoy of that profile lacks the function for guests of that ABI.
func findHostcall(module, name string, abi abiVersion, p *Release) *Hostcall {
	if module == moduleWASIUnstable {
		module = moduleWASI
	}
	def := hostcallsByName[module+"."+name]
	if def == nil || def.from > abi || def.to != 0 && def.to < abi || def.stubsOnly && !p.wasiStubs {
		return nil
	}
	return def
}

// Hostcalls are those that an Envoy offers to guests of an ABI version, such as "0_2_1". WASI is among them.
func Hostcalls(version string, r *Release) []Hostcall {
	return slices.DeleteFunc(slices.Concat(envTable(), wasiTable()), func(h Hostcall) bool {
		return findHostcall(h.Module, h.Name, abiMarkers[abiMarkerPrefix+version], r) == nil
	})
}

// HostcallNames are the hostcalls of the proxy, of all ABI versions, and CallbackNames are the functions that a guest
// may export for it.
func HostcallNames() (names []string) {
	for _, h := range envTable() {
		names = append(names, h.Name)
	}
	return names
}

// CallbackNames: see HostcallNames.
func CallbackNames() (names []string) {
	for i := range callbackTable {
		names = append(names, callbackTable[i].name)
	}
	return names
}

var hostcallsByName = map[string]*Hostcall{}

func init() {
	for _, table := range [][]Hostcall{envTable(), wasiTable()} {
		for i := range table {
			def := &table[i]
			hostcallsByName[def.Module+"."+def.Name] = def
		}
	}
}

// instantiateHostModules puts all host functions into a runtime. They find their VM in the context of the call.
func instantiateHostModules(ctx context.Context, r wazero.Runtime, p *Release) error {
	for _, module := range []string{moduleEnv, moduleWASI, moduleWASIUnstable} {
		b := r.NewHostModuleBuilder(module)
		table := module
		if module == moduleWASIUnstable {
			table = moduleWASI
		}
		for _, def := range hostcallsByName {
			if def.Module != table || def.stubsOnly && !p.wasiStubs {
				continue
			}
			b.NewFunctionBuilder().WithGoModuleFunction(def.bind(module, p), def.Params, def.Results).Export(def.Name)
		}
		if _, err := b.Instantiate(ctx); err != nil {
			return fmt.Errorf("instantiate host module %s: %w", module, err)
		}
	}
	return nil
}

// restriction says where in its life a VM is, for the calls that are forbidden there.
type restriction int

const (
	unrestricted restriction = iota
	startingUp
	allocating
)

// bind makes the function that wazero calls for the import of that module.
func (def *Hostcall) bind(module string, p *Release) api.GoModuleFunc {
	atStart, inAllocator := def.atStart, def.inAllocator
	if def.newerUnrestricted {
		atStart, inAllocator = p.pollInAllocator, p.pollInAllocator
	}
	traceName := module + "." + def.Name
	return func(ctx context.Context, _ api.Module, stack []uint64) {
		v, ok := ctx.(*VM)
		if !ok {
			v = ctx.Value(vmKey{}).(*VM)
		}
		if v.envoyTrace != nil {
			v.traceEnter("vm->host", traceName, def.Params, stack)
		}
		if v.restriction != unrestricted {
			if v.restriction == startingUp && !atStart || v.restriction == allocating && !inAllocator {
				panic(restrictedError(def.Module + "." + def.Name))
			}
		}
		if !def.wasi {
			v.contextOrEffective().Counted()
		}
		switch {
		case v.watched:
			v.watchedHostcall(def, stack)
		case len(def.Results) > 0:
			stack[0] = uint64(def.fn(v, stack))
		default:
			def.fn(v, stack)
		}
		if v.envoyTrace != nil {
			v.traceLeave("vm<-host", traceName, def.Results, stack)
		}
	}
}

type restrictedError string

func (e restrictedError) Error() string {
	return "restricted_callback: " + string(e) + " may not be called from _initialize or from the allocator"
}

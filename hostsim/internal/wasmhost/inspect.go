package wasmhost

import (
	"context"
	"slices"

	"github.com/tetratelabs/wazero"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmbin"
)

// Inspection is what a module says about itself, and what each Envoy version says to that. No code of the module has
// run: what its _initialize, vm_start or configure would do is not known.
type Inspection struct {
	Bytes int `json:"bytes"`
	// Markers are the exports that name an ABI version, in order; ABI is the version that Envoy uses, "" when none.
	Markers []string `json:"markers"`
	ABI     string   `json:"abi"`
	// Imports and Exports are in the order of the binary; of a damaged module, those before the damage.
	Imports []InspectedImport `json:"imports"`
	Exports []InspectedExport `json:"exports"`
	// Callbacks are the exports that Envoy calls for its events. Allocator is the one that it gets memory from, and Start
	// lists those that it calls first.
	Callbacks []string `json:"callbacks"`
	Allocator string   `json:"allocator"`
	Start     []string `json:"start"`
	// Producers are the tools that the module names as its makers.
	Producers []string `json:"producers"`
	// Warnings are about what no Envoy refuses but will still go wrong.
	Warnings []string  `json:"warnings"`
	Verdicts []Fitness `json:"verdicts"`
}

// InspectedImport is one thing that a module needs.
type InspectedImport struct {
	Module    string `json:"module"`
	Name      string `json:"name"`
	Kind      string `json:"kind"`      // function, table, memory, global, tag
	Signature string `json:"signature"` // of a function: "i32 i32 -> i32"
	// Profiles are the Envoy versions that offer it with this signature to a module of this ABI.
	Profiles []string `json:"profiles"`
}

// InspectedExport is one thing that a module offers.
type InspectedExport struct {
	Name      string `json:"name"`
	Kind      string `json:"kind"`
	Signature string `json:"signature"`
	// Known: Envoy looks for it.
	Known bool `json:"known"`
}

// Fitness is what one Envoy version makes of a module.
type Fitness struct {
	Profile string    `json:"profile"`
	Loads   bool      `json:"loads"`
	Refusal []Refusal `json:"refusal,omitempty"`
}

// Refusal is one reason not to load a module. Envoy prints the first import that does not fit, and no more.
type Refusal struct {
	Words string `json:"words"`          // Envoy's own
	Hint  string `json:"hint,omitempty"` // ours
}

// Inspect describes a module, however broken, for all Profiles.
func Inspect(ctx context.Context, wasm []byte) Inspection {
	outline, _ := wasmbin.Read(wasm) // what is broken is in the verdicts
	abi, unfit := readABI(wasm, outline)
	in := Inspection{
		Bytes: len(wasm), Markers: orEmpty(outline.Markers()), Producers: orEmpty(outline.Producers), ABI: abi.String(),
		Imports: []InspectedImport{}, Exports: []InspectedExport{}, Callbacks: []string{}, Start: []string{}, Warnings: []string{},
	}
	for _, i := range outline.Imports {
		in.Imports = append(in.Imports, inspectImport(i, abi))
	}
	in.describeExports(outline, abi)
	var broken *fault
	if unfit == nil {
		broken = validate(ctx, wasm)
	}
	for i := range releases {
		var faults []fault
		switch {
		case unfit != nil:
			faults = []fault{*unfit}
		case broken != nil:
			faults = []fault{*broken}
		default:
			faults = linkFaults(outline, abi, &releases[i])
		}
		v := Fitness{Profile: releases[i].name, Loads: len(faults) == 0}
		for _, f := range faults {
			v.Refusal = append(v.Refusal, Refusal{f.words, f.hint})
		}
		in.Verdicts = append(in.Verdicts, v)
	}
	return in
}

var abiNames = map[abiVersion]string{abi010: "0.1.0", abi020: "0.2.0", abi021: "0.2.1"}

func (v abiVersion) String() string { return abiNames[v] }

func orEmpty(list []string) []string { return append([]string{}, list...) }

// validate has the engine check the code, without compiling it to machine code.
func validate(ctx context.Context, wasm []byte) *fault {
	if unfit := checkSizes(wasm); unfit != nil {
		return unfit
	}
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer r.Close(ctx)
	if _, err := r.CompileModule(ctx, wasm); err != nil {
		return &fault{wordsBytecode, "the engine here says: " + firstLine(err)}
	}
	return nil
}

func inspectImport(i wasmbin.Import, abi abiVersion) InspectedImport {
	out := InspectedImport{Module: i.Module, Name: i.Name, Kind: i.Kind.String(), Signature: signatureText(i.Kind, i.Signature), Profiles: []string{}}
	if abi == 0 {
		abi = abi021 // whoever repairs the marker wants to know
	}
	for p := range releases {
		if importFault(i, abi, &releases[p]) == nil {
			out.Profiles = append(out.Profiles, releases[p].name)
		}
	}
	return out
}

func signatureText(k wasmbin.Kind, s wasmbin.Signature) string {
	switch {
	case k != wasmbin.Function:
		return ""
	case !s.Known:
		return "?"
	}
	return signature(s.Params, s.Results)
}

func (in *Inspection) describeExports(o wasmbin.Outline, abi abiVersion) {
	functions := map[string]bool{}
	memory := slices.ContainsFunc(o.Imports, func(i wasmbin.Import) bool { return i.Kind == wasmbin.Memory })
	for _, e := range o.Exports {
		functions[e.Name] = functions[e.Name] || e.Kind == wasmbin.Function
		memory = memory || e.Kind == wasmbin.Memory
	}
	exported := func(name string) bool { return functions[name] }
	known := map[string]bool{}
	for _, l := range lookups(exported, abi, &releases[len(releases)-1]) {
		known[l.name] = true
	}
	for _, name := range allocators {
		if exported(name) {
			in.Allocator = name
			known[name] = true
			break
		}
	}
	for _, e := range o.Exports {
		_, marker := abiMarkers[e.Name]
		x := InspectedExport{Name: e.Name, Kind: e.Kind.String(), Signature: signatureText(e.Kind, e.Signature)}
		x.Known = e.Kind == wasmbin.Function && (known[e.Name] || marker) || e.Kind == wasmbin.Memory
		in.Exports = append(in.Exports, x)
		switch {
		case e.Kind != wasmbin.Function || !known[e.Name] || e.Name == in.Allocator:
		case slices.Contains(startFunctions, e.Name):
			in.Start = append(in.Start, e.Name)
		default:
			in.Callbacks = append(in.Callbacks, e.Name)
		}
	}
	in.warn(memory, madeByGoCompiler(o), exported)
}

var startFunctions = []string{"_initialize", "_start", "main", "__main_void"}

func (in *Inspection) warn(memory, madeByGo bool, exported func(string) bool) {
	if len(in.Exports) == 0 {
		return
	}
	if !memory {
		in.Warnings = append(in.Warnings, "it has no memory: Envoy loads it but has nowhere to put data for it")
	}
	if len(in.Markers) > 1 {
		in.Warnings = append(in.Warnings, "it has several ABI markers: Envoy uses the first that it knows")
	}
	if exported("_initialize") && exported("_start") {
		in.Warnings = append(in.Warnings, "_start is not called: there is an _initialize too")
	}
	if madeByGo && exported("_start") {
		in.Warnings = append(in.Warnings, "_start runs main and exits, which ends the VM: build it with go build -buildmode=c-shared")
	}
	if len(in.Callbacks) == 0 {
		in.Warnings = append(in.Warnings, "it exports no callback: Envoy never calls it")
	}
}

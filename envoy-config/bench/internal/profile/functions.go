package profile

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Function is a guest's function, or an area of its code, and its share of the
// time that the guest took, without what it called: 0.1 is a tenth.
type Function struct {
	Name  string
	Share float64
}

// ours is cut from names, as Go's linker writes them for Wasm.
const ours = "github.com_sallyport_gateway_sallyport_filter_internal_"

// functions reads V8's profile (.cpuprofile), and leaves out everything but the
// guest: the host in JavaScript and V8 itself.
func functions(text []byte) ([]Function, error) {
	var p struct {
		Nodes []struct {
			ID        int
			CallFrame struct{ FunctionName, URL string }
		}
		Samples    []int
		TimeDeltas []float64
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, fmt.Errorf("read V8's profile: %w", err)
	}
	names := map[int]string{}
	for _, n := range p.Nodes {
		if strings.HasPrefix(n.CallFrame.URL, "wasm://") {
			names[n.ID] = strings.TrimPrefix(n.CallFrame.FunctionName, ours)
		}
	}
	took, all := map[string]float64{}, 0.0
	for i, id := range p.Samples {
		if name, ok := names[id]; ok && i < len(p.TimeDeltas) {
			took[name] += p.TimeDeltas[i]
			all += p.TimeDeltas[i]
		}
	}
	if all <= 0 {
		return nil, fmt.Errorf("V8's profile has none of the guest in %d samples", len(p.Samples))
	}
	return sorted(took, all), nil
}

func sorted(took map[string]float64, all float64) []Function {
	out := make([]Function, 0, len(took))
	for _, name := range slices.Sorted(maps.Keys(took)) {
		out = append(out, Function{name, took[name] / all})
	}
	slices.SortStableFunc(out, func(a, b Function) int { return cmp.Compare(b.Share, a.Share) })
	return out
}

// areas are parts of Go's runtime, by what their functions' names contain; the
// first match counts.
var areas = []struct {
	name  string
	marks []string
}{
	{"runtime: garbage collection", []string{"runtime.gc", "__gc", "sweep", "scan", "mark", "wbBuf", "greyobject", "heapBits", "findObject", "typePointers"}},
	{"runtime: allocation", []string{"malloc", "newobject", "makeslice", "growslice", "nextFree", "mcache", "mcentral", "mheap", "memclr", "concatstring", "slicebytetostring", "stringtoslicebyte", "rawstring", "rawbyte"}},
	{"runtime: copies and comparisons", []string{"memmove", "memeq", "cmpstring", "cmpbody", "indexbyte"}},
	{"runtime: maps and hashes", []string{"map", "hash"}},
}

// byArea groups the functions by package, and those of the runtime by what they
// do.
func byArea(functions []Function) []Function {
	took := map[string]float64{}
	for _, f := range functions {
		took[area(f.Name)] += f.Share
	}
	return sorted(took, 1)
}

// area is the area of a function. The dots in a package's path are written as
// underscores, so the first dot ends it.
func area(function string) string {
	rest, foreign := strings.CutPrefix(function, "github.com_")
	pkg, _, ok := strings.Cut(rest, ".")
	if foreign {
		return pkg
	}
	if ok && pkg != "runtime" && !strings.HasPrefix(pkg, "internal_") {
		return pkg
	}
	for _, a := range areas {
		for _, mark := range a.marks {
			if strings.Contains(function, mark) {
				return a.name
			}
		}
	}
	return "runtime: the rest"
}

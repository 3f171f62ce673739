package main_test

import (
	"context"
	"sync"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// modules are compiled once for all tests: the code outlives each of them.
var modules = struct {
	sync.Mutex
	byPath map[string]*hostsim.Module
}{byPath: map[string]*hostsim.Module{}}

// module is the filter as it is shipped.
func module(t testing.TB) *hostsim.Module {
	t.Helper()
	return compiled(t, wasmbuild.Package(t, "./filter"))
}

// faultyModule is the filter with the panics that a request can ask for.
func faultyModule(t testing.TB) *hostsim.Module {
	t.Helper()
	return compiled(t, wasmbuild.PackageTags(t, "./filter", "faultinjection"))
}

// countingModule is the filter that tells with each tick how many objects it has allocated.
func countingModule(t testing.TB) *hostsim.Module {
	t.Helper()
	return compiled(t, wasmbuild.PackageTags(t, "./filter", "allocations"))
}

// poisonedModule is the filter that overwrites what a callback lent; see abi.KeepRequest.
func poisonedModule(t testing.TB) *hostsim.Module {
	t.Helper()
	return compiled(t, wasmbuild.PackageTags(t, "./filter", "poison"))
}

func compiled(t testing.TB, path string) *hostsim.Module {
	t.Helper()
	modules.Lock()
	defer modules.Unlock()
	if m, ok := modules.byPath[path]; ok {
		return m
	}
	m, err := hostsim.CompileFile(context.Background(), path, hostsim.CompileOptions{})
	if err != nil {
		t.Fatalf("compile the filter: %v", err)
	}
	modules.byPath[path] = m
	return m
}

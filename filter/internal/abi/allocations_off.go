//go:build wasip1 && !allocations

package abi

// tellAllocations does nothing in a production build.
func tellAllocations() {}

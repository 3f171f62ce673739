//go:build wasip1 && !allocations

package abi

// tellAllocations does nothing in a build for use.
func tellAllocations() {}

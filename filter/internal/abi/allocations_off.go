//go:build !allocations

package abi

// tellAllocations does nothing in a build for use.
func tellAllocations() {}

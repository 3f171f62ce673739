//go:build !poison

package abi

// poison does nothing in a build for use.
func poison() {}

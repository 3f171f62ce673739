//go:build !poison

package abi

// poison does nothing in a production build.
func poison() {}

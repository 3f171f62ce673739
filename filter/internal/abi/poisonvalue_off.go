//go:build wasip1 && !poison

package abi

// poisonValue does nothing in a build for use.
func poisonValue() {}

// poisonShared does nothing in a build for use.
func poisonShared() {}

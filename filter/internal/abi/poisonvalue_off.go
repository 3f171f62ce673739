//go:build wasip1 && !poison

package abi

// poisonValue does nothing in a production build.
func poisonValue() {}

// poisonShared does nothing in a production build.
func poisonShared() {}

package scenario

import "strings"

// noise lists the headers that a driver's HTTP machinery adds or changes by
// itself. They say nothing about the guest, so a section that does not name one
// of them does not compare it. Requests and responses share the list.
//
// An "x-envoy-" prefix is noise too, whatever follows.
var noise = map[string]bool{
	"connection":        true, // hop by hop
	"content-length":    true, // follows from the body, which is compared
	"date":              true,
	"server":            true,
	"transfer-encoding": true, // hop by hop
	"via":               true,
	"x-forwarded-for":   true, // connection manager, callouts
	"x-forwarded-proto": true,
	"x-request-id":      true, // random
}

const noisePrefix = "x-envoy-"

// IsNoise reports whether a header of this name, in any letter case, is left out
// of the comparison where the expectation does not name it.
func IsNoise(name string) bool {
	name = strings.ToLower(name)
	return noise[name] || strings.HasPrefix(name, noisePrefix)
}

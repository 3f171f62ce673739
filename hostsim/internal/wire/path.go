package wire

import "strings"

// SplitPath splits a property path at its NULs. One NUL at the end is dropped, as some SDKs send it; an empty path has
// no parts. Source: Envoy source/extensions/common/wasm/context.cc getProperty.
func SplitPath(path string) []string {
	path = strings.TrimSuffix(path, "\x00")
	if path == "" {
		return nil
	}
	return strings.Split(path, "\x00")
}

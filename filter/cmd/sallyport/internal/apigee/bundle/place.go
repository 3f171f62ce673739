package bundle

import (
	"path"
	"slices"
	"strings"
)

// wanted reports whether the file is XML that a bundle can have.
func wanted(p string) bool {
	_, _, ok := place(p)
	return ok
}

// place says which bundle a file belongs to, and its path in that.
func place(p string) (root, rest string, ok bool) {
	if !strings.EqualFold(path.Ext(p), ".xml") {
		return "", "", false
	}
	levels := strings.Split(p, "/")
	if slices.Contains(levels, "__MACOSX") || strings.HasPrefix(levels[len(levels)-1], ".") {
		return "", "", false
	}
	for i := len(levels) - 2; i >= 0; i-- {
		if levels[i] != string(Proxy) && levels[i] != string(SharedFlow) {
			continue
		}
		rest := levels[i+1:]
		if len(rest) == 1 || len(rest) == 2 && slices.Contains(folders, rest[0]) {
			return strings.Join(levels[:i+1], "/"), strings.Join(rest, "/"), true
		}
		return "", "", false
	}
	if n := len(levels); n >= 2 && slices.Contains(folders, levels[n-2]) {
		return strings.Join(levels[:n-2], "/"), levels[n-2] + "/" + levels[n-1], true
	}
	return "", "", false
}

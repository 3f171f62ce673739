package apikey

import (
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/formdata"
)

// without removes every parameter that has one of the names, and leaves the
// bytes of the others and their order alone. Parameters are split at '&'; some
// backends split at ';' too, and would find a key there, so the pieces between
// semicolons are removed too.
func without(query string, names []string) (edited string, changed bool) {
	var kept []string
	var part string
	for left, more := query, true; more; {
		part, left, more = strings.Cut(left, "&")
		rest := withoutPieces(part, names)
		if isNamed(part, names) || isNamed(rest, names) || rest == "" && part != "" {
			changed = true
			continue
		}
		changed = changed || rest != part
		kept = append(kept, rest)
	}
	if !changed {
		return query, false
	}
	return strings.Join(kept, "&"), true
}

func withoutPieces(part string, names []string) string {
	if !strings.Contains(part, ";") {
		return part
	}
	var kept []string
	var piece string
	for left, more := part, true; more; {
		piece, left, more = strings.Cut(left, ";")
		if !isNamed(piece, names) {
			kept = append(kept, piece)
		}
	}
	return strings.Join(kept, ";")
}

// isNamed reports whether a parameter has one of the names.
func isNamed(parameter string, names []string) bool {
	name, _, _ := strings.Cut(parameter, "=")
	for _, n := range names {
		if formdata.DecodesTo(name, n) {
			return true
		}
	}
	return false
}

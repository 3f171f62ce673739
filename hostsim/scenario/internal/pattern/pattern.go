// Package pattern tells texts of a scenario from regular expressions.
package pattern

import (
	"fmt"
	"regexp"
	"strings"
)

// Prefix starts a line or a value that is a regular expression.
const Prefix = "~"

// Is reports whether a text is one.
func Is(text string) bool { return strings.HasPrefix(text, Prefix) }

// Compile compiles "~EXPR", which must match the whole text; "." matches a
// newline too.
func Compile(text string) (*regexp.Regexp, error) {
	return regexp.Compile(`\A(?s:` + strings.TrimPrefix(text, Prefix) + `)\z`)
}

// Matches compares one text with what is expected of it, ${...} already replaced.
func Matches(want, got string) bool {
	if !Is(want) {
		return want == got
	}
	re, err := Compile(want)
	return err == nil && re.MatchString(got)
}

// Check is an error for a regular expression that cannot be compiled.
func Check(text string) error {
	if !Is(text) {
		return nil
	}
	if _, err := Compile(text); err != nil {
		return fmt.Errorf("regular expression %.80q: %w", text, err)
	}
	return nil
}

//go:build !wasip1

package secret

import (
	"fmt"
	"io"
)

// Format writes Redacted for every verb; without it %d would look inside. The
// guest links no fmt, and its size is a budget: there is nothing to guard there.
func (v Value) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, Redacted) }

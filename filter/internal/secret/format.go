//go:build !wasip1

package secret

import (
	"fmt"
	"io"
)

// Format writes Redacted for every verb; without it %d would look inside. The
// guest does not link fmt, so there is nothing to guard there, and its size is
// limited.
func (v Value) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, Redacted) }

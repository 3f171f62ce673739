//go:build !unix

package document

import (
	"fmt"
	"os"
)

// lock creates a file beside path that must not exist yet.
func lock(path string) (unlock func(), err error) {
	name := path + ".lock"
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock %s: is another command running? remove %s if there is none: %w", path, name, err)
	}
	return func() { _ = f.Close(); _ = os.Remove(name) }, nil
}

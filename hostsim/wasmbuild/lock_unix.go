//go:build unix

package wasmbuild

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lock waits for the exclusive lock on path; the kernel frees it when its holder ends, however it ends.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the build lock: %w", err)
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("take the build lock: %w", err)
	}
	return func() { _ = f.Close() }, nil
}

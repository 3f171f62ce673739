//go:build unix

package document

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lock waits for the lock file beside path. It cannot be path itself, which is replaced. Its holder removes it; if the holder
// dies, it stays and is free.
func lock(path string) (unlock func(), err error) {
	name := path + ".lock"
	for {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
		if err != nil {
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if err := exclusive(f); err != nil {
			_ = f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if stillThere(f, name) {
			return func() { _ = os.Remove(name); _ = f.Close() }, nil
		}
		// Its holder removed it while this command waited, and another one may have made a new one.
		_ = f.Close()
	}
}

// exclusive waits for the lock of a file.
func exclusive(f *os.File) error {
	for {
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// stillThere reports whether the name leads to this file.
func stillThere(f *os.File, name string) bool {
	mine, err := f.Stat()
	if err != nil {
		return false
	}
	theirs, err := os.Stat(name)
	return err == nil && os.SameFile(mine, theirs)
}

//go:build !linux

package envoyrun

import "syscall"

// DieWithParent is nothing where there is no parent-death signal: Stop is all there is.
func DieWithParent() *syscall.SysProcAttr { return nil }

//go:build !linux

package envoyrun

import "syscall"

// dieWithParent is nothing where there is no parent-death signal: Stop is all there is.
func dieWithParent() *syscall.SysProcAttr { return nil }

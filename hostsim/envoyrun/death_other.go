//go:build !linux

package envoyrun

import "syscall"

// DieWithParent returns nil where there is no parent-death signal: there is only Stop.
func DieWithParent() *syscall.SysProcAttr { return nil }

package envoyrun

import "syscall"

// dieWithParent makes the kernel end Envoy when this process ends, so that a test that is killed leaves nothing behind.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

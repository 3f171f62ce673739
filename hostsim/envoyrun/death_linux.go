package envoyrun

import "syscall"

// DieWithParent makes the kernel end a child when the thread that started it ends, and so when this process does, so that a test that is killed leaves nothing behind.
func DieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

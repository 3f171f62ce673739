package envoyrun

import "syscall"

// DieWithParent makes the kernel kill a child when the thread that started it ends, and so also when this process ends:
// a test that is killed leaves nothing behind.
func DieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

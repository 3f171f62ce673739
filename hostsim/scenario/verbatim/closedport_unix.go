//go:build unix

package verbatim

import (
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// ClosedPort is an address that refuses connections until release is called: its port is bound, so that nobody else
// gets it, and nobody listens.
func ClosedPort() (address string, release func() error, err error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		return "", nil, fmt.Errorf("reserve a closed port: %w", err)
	}
	release = func() error { return syscall.Close(fd) }
	loopback := &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	bound := syscall.Sockaddr(nil)
	if err = syscall.Bind(fd, loopback); err == nil {
		bound, err = syscall.Getsockname(fd)
	}
	if err != nil {
		_ = release()
		return "", nil, fmt.Errorf("reserve a closed port: %w", err)
	}
	port := bound.(*syscall.SockaddrInet4).Port
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), release, nil
}

package meshtest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	// patience bounds every wait of a test; a machine that is busy may need some of it.
	patience     = 90 * time.Second
	pollInterval = 50 * time.Millisecond
	// shownLines is how much of a program's output a failed test shows.
	shownLines = 60
)

// Output keeps what programs print. Its zero value is ready for use.
type Output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// Report shows the end of it when the test has failed, and fails the test when one of the site's secrets is in it.
func (o *Output) Report(t *testing.T, s *Site) {
	t.Helper()
	o.mu.Lock()
	text := o.text.String()
	o.mu.Unlock()
	if t.Failed() {
		lines := strings.Split(text, "\n")
		t.Logf("the programs said:\n%s", strings.Join(lines[max(len(lines)-shownLines, 0):], "\n"))
	}
	for _, secret := range []string{s.Secret, s.Key} {
		if strings.Contains(text, secret) {
			t.Errorf("a secret was logged: %.6s…", secret)
		}
	}
}

// Until polls until ok.
func Until(ctx context.Context, t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for !ok() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("wait until %s", what)
		}
	}
}

// Listens reports whether something takes connections at host:port.
func Listens(address string) bool {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(context.Background(), "tcp", address)
	if err == nil {
		_ = conn.Close()
	}
	return err == nil
}

// FreePorts are ports of loopback that are free now.
func FreePorts(t *testing.T, n int) (ports []int) {
	t.Helper()
	for range n {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// Program builds a command of the calling module's dependencies into build/, once, and returns its path.
func Program(pkg string) func(*testing.T) string {
	build := sync.OnceValues(func() (string, error) {
		path, err := filepath.Abs(filepath.Join(Root, "build", "programs", filepath.Base(pkg)))
		if err != nil {
			return "", err
		}
		out, err := exec.CommandContext(context.Background(), "go", "build", "-p", "2", "-trimpath", "-ldflags", "-s -w", "-o", path, pkg).CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("build %s: %w: %s", pkg, err, out)
		}
		return path, nil
	})
	return func(t *testing.T) string {
		t.Helper()
		path, err := build()
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
}

// Package helper has the servers around the Envoy of the bench. Each runs in a
// process of its own, which is this program started again, so that its CPU time
// can be told apart from the bench's.
package helper

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
)

// What a helper may be.
const (
	Introspection = "introspection" // RFC 7662; tokens that begin with "garbage" are inactive
	Upstream      = "upstream"      // answers 200 with two bytes
)

// variable names the helper that a process should be.
const variable = "SALLYPORT_BENCH_HELPER"

// maxForm bounds what the introspection server reads.
const maxForm = 64 << 10

// Main must be called first in main or TestMain: in a process made by Start it
// serves and does not return.
func Main() {
	kind := os.Getenv(variable)
	if kind == "" {
		return
	}
	if err := serve(kind); err != nil {
		fmt.Fprintln(os.Stderr, "helper:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Process is a running helper.
type Process struct {
	Address string // host:port, on loopback
	cmd     *exec.Cmd
	stdin   io.Closer
}

// Start runs this program again as a helper. args are the claims of active
// tokens (JSON) for Introspection, and nothing for Upstream.
func Start(kind string, args ...string) (*Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start helper %s: %w", kind, err)
	}
	return Run(exec.Command(self, args...), variable+"="+kind) //nolint:noctx // Stop ends it
}

// Run starts a program that prints its address as its first line and serves
// until its standard input ends. env is added to its environment.
func Run(cmd *exec.Cmd, env ...string) (*Process, error) {
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = envoyrun.DieWithParent()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	p := &Process{cmd: cmd, stdin: stdin}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: it ended without printing an address", cmd.Path), p.Stop())
	}
	p.Address = strings.TrimSpace(line)
	return p, nil
}

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Stop ends the helper.
func (p *Process) Stop() error {
	_ = p.stdin.Close()
	done := make(chan error, 1)
	go func() { done <- p.cmd.Wait() }()
	select {
	case err := <-done:
		return err
	case <-time.After(5 * time.Second):
		_ = p.cmd.Process.Kill()
		return fmt.Errorf("%s did not end with its standard input: %w", p.cmd.Path, <-done)
	}
}

func serve(kind string) error {
	var handler http.Handler
	switch kind {
	case Introspection:
		if len(os.Args) != 2 {
			return errors.New("the introspection server needs the claims of a token")
		}
		handler = introspection([]byte(os.Args[1]))
	case Upstream:
		handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	default:
		return fmt.Errorf("no such helper: %q", kind)
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	fmt.Println(listener.Addr())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends with the bench
		_ = server.Close()
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// introspection answers RFC 7662 with the same claims for every token.
func introspection(claims []byte) http.Handler {
	inactive, _ := json.Marshal(map[string]bool{"active": false})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		body := claims
		if strings.HasPrefix(r.FormValue("token"), "garbage") {
			body = inactive
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body) //nolint:gosec // one of two bodies of our own, in JSON
	})
}

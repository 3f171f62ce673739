// Package envoyrun finds, starts, watches and stops a real Envoy, for the end-to-end tests and the demo.
//
// A process listens where its configuration says; port 0 works everywhere, since the admin interface reports which
// ports were chosen. Stop ends it, and on Linux so does the end of the parent, however that comes about.
package envoyrun

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// A condition is checked again after pollInterval, and less often the longer
	// the wait has taken, up to longestPoll: each look at the admin interface
	// costs CPU.
	pollInterval = 5 * time.Millisecond
	longestPoll  = 25 * time.Millisecond
	// stopGrace is how long an Envoy may take to leave after SIGTERM; it needs well under a second.
	stopGrace = 5 * time.Second
	// logFormat is Envoy's --log-format; parseLine reads it back.
	logFormat = "[%T.%e][%t][%l][%n] %v"
)

// Options say how to run Envoy. Exactly one of Config and ConfigFile is set.
type Options struct {
	Binary      string   // path; empty means Find
	Config      []byte   // bootstrap, YAML or JSON
	ConfigFile  string   // path of a bootstrap
	Concurrency int      // worker threads; 0 means 1
	Env         []string // NAME=value; the whole environment of the process: nothing is inherited
	LogLevel    string   // trace to critical, off; empty means info
	Args        []string // further arguments

	// BaseIDFile makes the process one of a series of hot restarts that share this
	// file: the first writes into it the id by which the others find it. Empty
	// means no hot restart.
	BaseIDFile string
	Epoch      int // 0 for the first of them, one more for each that takes over
}

// Process is one running Envoy.
type Process struct {
	admin  string // http://address:port
	client *http.Client
	cmd    *exec.Cmd
	dir    string // bootstrap and admin address, removed at the end
	stderr *Log
	stdout *Log
	done   chan struct{}
	err    error // of the process; read after done
}

// ExitError says that Envoy ended without having been stopped, or refused its configuration, and has its last words.
type ExitError struct {
	Err error  // of the process
	Log []Line // what Envoy wrote, the oldest lines first
}

func (e *ExitError) Error() string { return fmt.Sprintf("envoy ended (%v)%s", e.Err, Warnings(e.Log)) }

func (e *ExitError) Unwrap() error { return e.Err }

// Start runs Envoy and returns once its admin interface says that it is live, which includes the first answer of
// every configuration source. An Envoy that ends before that is an *ExitError.
func Start(ctx context.Context, o Options) (*Process, error) {
	mode, err := o.hotRestart()
	if err != nil {
		return nil, err
	}
	p, err := launch(o, mode...)
	if err != nil {
		return nil, err
	}
	if err := p.waitReady(ctx); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

// Validate asks Envoy whether it would take the configuration (`--mode validate`), Wasm modules and their own
// configuration included. It returns what Envoy wrote; a refusal is an *ExitError.
func Validate(ctx context.Context, o Options) ([]Line, error) {
	p, err := launch(o, "--mode", "validate", "--disable-hot-restart")
	if err != nil {
		return nil, err
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		return p.stderr.Since(0), errors.Join(fmt.Errorf("validate the configuration: %w", ctx.Err()), p.Stop())
	}
	lines := p.stderr.Since(0)
	if p.err != nil {
		return lines, &ExitError{Err: p.err, Log: lines}
	}
	return lines, nil
}

func launch(o Options, mode ...string) (p *Process, err error) {
	if o.Binary == "" {
		if o.Binary, err = Find(); err != nil {
			return nil, err
		}
	}
	dir, err := os.MkdirTemp("", "sallyport-envoy-*")
	if err != nil {
		return nil, fmt.Errorf("make a folder for envoy: %w", err)
	}
	p = &Process{dir: dir, client: &http.Client{Transport: &http.Transport{}},
		stderr: newLog(parseLine), stdout: newLog(func(s string) Line { return Line{Text: s} }), done: make(chan struct{})}
	args, err := o.arguments(dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	p.cmd = exec.Command(o.Binary, append(append(args, mode...), o.Args...)...) //nolint:noctx // Stop ends it, not a context
	p.cmd.Env = append([]string{}, o.Env...)                                    // not nil: nil would inherit
	p.cmd.SysProcAttr = DieWithParent()

	started := make(chan error)
	go p.run(started)
	if err := <-started; err != nil {
		return nil, errors.Join(fmt.Errorf("start envoy: %w", err), os.RemoveAll(dir))
	}
	return p, nil
}

// run keeps its thread until Envoy has ended: the kernel sends the parent-death signal when the thread that forked
// ends, not only when the process does (golang/go#27505).
func (p *Process) run(started chan<- error) {
	defer close(p.done) // after the logs have ended
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	stderr, endStderr, err := p.stderr.attach()
	if err != nil {
		started <- err
		return
	}
	defer endStderr()
	stdout, endStdout, err := p.stdout.attach()
	if err != nil {
		started <- err
		return
	}
	defer endStdout()
	p.cmd.Stderr, p.cmd.Stdout = stderr, stdout
	if err := p.cmd.Start(); err != nil {
		started <- err
		return
	}
	close(started)
	p.err = p.cmd.Wait()
	_ = os.RemoveAll(p.dir)
	p.client.CloseIdleConnections()
}

func (o Options) arguments(dir string) ([]string, error) {
	file := o.ConfigFile
	switch {
	case (file == "") == (o.Config == nil):
		return nil, errors.New("run envoy: exactly one of Config and ConfigFile is needed")
	case file == "":
		file = filepath.Join(dir, "bootstrap.yaml") // JSON is YAML
		// The bootstrap may hold secrets in place.
		if err := os.WriteFile(file, o.Config, 0o600); err != nil {
			return nil, fmt.Errorf("write the bootstrap: %w", err)
		}
	}
	level := o.LogLevel
	if level == "" {
		level = "info"
	}
	return []string{
		"--config-path", file,
		"--concurrency", strconv.Itoa(max(o.Concurrency, 1)),
		"--admin-address-path", filepath.Join(dir, "admin"),
		"--log-level", level,
		"--log-format", logFormat,
		// One message, one line: what a guest logs cannot look like a line of Envoy's own.
		"--log-format-escaped",
		"--file-flush-interval-msec", "50", // access logs
	}, nil
}

// hotRestart says which Envoy this one takes over from. A process that takes over
// needs ports that do not change: sockets are handed over by their addresses
// (source/server/hot_restarting_parent.cc).
func (o Options) hotRestart() ([]string, error) {
	epoch := []string{"--restart-epoch", strconv.Itoa(o.Epoch)}
	switch {
	case o.BaseIDFile == "":
		return []string{"--disable-hot-restart"}, nil
	case o.Epoch == 0:
		return append(epoch, "--use-dynamic-base-id", "--base-id-path", o.BaseIDFile), nil
	}
	id, err := os.ReadFile(o.BaseIDFile)
	if err != nil {
		return nil, fmt.Errorf("read the first envoy's base id: %w", err)
	}
	return append(epoch, "--base-id", strings.TrimSpace(string(id))), nil
}

func (p *Process) waitReady(ctx context.Context) error {
	err := p.Poll(ctx, func() (bool, error) {
		address, _ := os.ReadFile(filepath.Join(p.dir, "admin")) // empty until it is written
		if len(address) == 0 {
			return false, nil
		}
		p.admin = "http://" + strings.TrimSpace(string(address))
		ready, err := p.ready(ctx)
		return ready && err == nil, nil // the listener opens after the file is written
	})
	if err != nil {
		return fmt.Errorf("wait until envoy is ready: %w", err)
	}
	return nil
}

// Poll calls done every few milliseconds until it returns true or fails, the context ends, or Envoy does.
func (p *Process) Poll(ctx context.Context, done func() (bool, error)) error {
	begun := time.Now()
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		next.Reset(min(max(time.Since(begun)/8, pollInterval), longestPoll))
		select {
		case <-next.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-p.done:
			return &ExitError{Err: p.err, Log: p.stderr.Since(0)}
		}
	}
}

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Log is what Envoy logs, guests included.
func (p *Process) Log() *Log { return p.stderr }

// Output is what Envoy writes to its standard output: access logs that go to /dev/stdout.
func (p *Process) Output() *Log { return p.stdout }

// Stop ends the process with SIGTERM, and with SIGKILL when that does not help. Stopping twice is harmless.
func (p *Process) Stop() error {
	select {
	case <-p.done:
		return nil
	default:
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop envoy: %w", err)
	}
	grace := time.NewTimer(stopGrace)
	defer grace.Stop()
	select {
	case <-p.done:
		return nil
	case <-grace.C:
	}
	err := p.cmd.Process.Kill()
	<-p.done
	return errors.Join(fmt.Errorf("envoy ignored SIGTERM for %v", stopGrace), err)
}

package load

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
)

// ErrNoWrk says how to get what is missing.
var ErrNoWrk = errors.New("no wrk found: apt-get install wrk")

//go:embed wrk.lua
var wrkScript string

// Result is what one run of wrk saw.
type Result struct {
	Requests int           // answered
	Took     time.Duration // as wrk says
	P50, P99 time.Duration
	Refused  int           // status over 399
	Failed   int           // no answer: connect, read, write, timeout
	OwnCPU   time.Duration // wrk's own, including its script's
}

// Run says how to run wrk.
type Run struct {
	Address     string // host:port
	Request     Request
	Connections int
	Threads     int // 0 means 1
	Duration    time.Duration
	Seed        int // of the numbers of Request.Many
}

// Check reports whether wrk is there.
func Check() error {
	if _, err := exec.LookPath("wrk"); err != nil {
		return ErrNoWrk
	}
	return nil
}

// Wrk runs wrk for whole seconds, at least one. A request without an answer is
// an error.
func Wrk(ctx context.Context, r Run) (Result, error) {
	dir, err := os.MkdirTemp("", "sallyport-bench-*")
	if err != nil {
		return Result{}, fmt.Errorf("run wrk: %w", err)
	}
	defer os.RemoveAll(dir)
	begin, err := r.Request.script(r.Seed)
	if err != nil {
		return Result{}, fmt.Errorf("run wrk: %w", err)
	}
	script := filepath.Join(dir, "wrk.lua")
	if err := os.WriteFile(script, []byte(begin+wrkScript), 0o600); err != nil {
		return Result{}, fmt.Errorf("run wrk: %w", err)
	}
	seconds := max(int(r.Duration.Seconds()), 1)
	args := []string{
		"-t", strconv.Itoa(max(r.Threads, 1)), "-c", strconv.Itoa(max(r.Connections, r.Threads, 1)),
		"-d", strconv.Itoa(seconds) + "s", "-s", script,
	}
	for _, h := range r.Request.Headers {
		args = append(args, "-H", h.Name+": "+h.Value)
	}
	cmd := exec.CommandContext(ctx, "wrk", append(args, "http://"+r.Address+r.Request.Path)...)
	out, err := run(cmd, ErrNoWrk)
	if err != nil {
		return Result{}, err
	}
	result, err := parseWrk(out)
	if err != nil {
		return Result{}, err
	}
	result.OwnCPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if result.Failed > 0 || result.Requests == 0 {
		return result, fmt.Errorf("wrk: %d requests were answered, %d were not", result.Requests, result.Failed)
	}
	return result, nil
}

// run returns what a load generator printed; missing is the error if there is
// no such program.
func run(cmd *exec.Cmd, missing error) (out []byte, err error) {
	cmd.SysProcAttr = envoyrun.DieWithParent()
	out, err = cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, missing
	}
	if err != nil {
		return nil, fmt.Errorf("run %s: %w\n%s", cmd.Args[0], err, bytes.TrimSpace(out))
	}
	return out, nil
}

// parseWrk reads the line that wrk.lua writes at the end.
func parseWrk(out []byte) (Result, error) {
	_, line, ok := bytes.Cut(out, []byte("\nbench "))
	if !ok {
		return Result{}, fmt.Errorf("wrk did not report a result:\n%s", bytes.TrimSpace(out))
	}
	line, _, _ = bytes.Cut(line, []byte("\n"))
	var said struct{ Requests, Micros, P50, P99, Connect, Read, Write, Timeout, Status int }
	if err := json.Unmarshal(line, &said); err != nil {
		return Result{}, fmt.Errorf("read wrk's line %q: %w", line, err)
	}
	return Result{
		Requests: said.Requests,
		Took:     time.Duration(said.Micros) * time.Microsecond,
		P50:      time.Duration(said.P50) * time.Microsecond,
		P99:      time.Duration(said.P99) * time.Microsecond,
		Refused:  said.Status,
		Failed:   said.Connect + said.Read + said.Write + said.Timeout,
	}, nil
}

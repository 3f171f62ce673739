// Package procstat reads from /proc what a process has used. It is for Linux.
package procstat

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// CPU is the time that all threads of the process have been on a processor,
// user and kernel, to the nanosecond (/proc/PID/task/*/schedstat). Threads
// that have ended are not in it; the processes of the bench keep theirs.
func CPU(pid int) (time.Duration, error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(files) == 0 {
		return 0, fmt.Errorf("read the CPU time of process %d: no /proc/%d/task/*/schedstat: the process has ended, or this kernel has none", pid, pid)
	}
	var sum time.Duration
	for _, file := range files {
		text, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) || len(text) == 0 {
			continue // ended just now
		}
		if err != nil {
			return 0, fmt.Errorf("read the CPU time of process %d: %w", pid, err)
		}
		on, err := parseSchedstat(text)
		if err != nil {
			return 0, fmt.Errorf("read %s: %w", file, err)
		}
		sum += on
	}
	return sum, nil
}

// parseSchedstat reads the first of the three fields: nanoseconds on a
// processor.
func parseSchedstat(text []byte) (time.Duration, error) {
	first, _, _ := bytes.Cut(bytes.TrimSpace(text), []byte(" "))
	nanos, err := strconv.ParseInt(string(first), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("not a schedstat: %q", text)
	}
	return time.Duration(nanos), nil
}

// Resident is the memory of the process that is in RAM, in bytes (VmRSS).
func Resident(pid int) (uint64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read the memory of process %d: %w", pid, err)
	}
	return parseResident(string(text))
}

func parseResident(status string) (uint64, error) {
	for line := range strings.Lines(status) {
		value, ok := strings.CutPrefix(line, "VmRSS:")
		if !ok {
			continue
		}
		number, ok := strings.CutSuffix(strings.TrimSpace(value), " kB")
		if !ok {
			break
		}
		n, err := strconv.ParseUint(number, 10, 64)
		if err != nil {
			break
		}
		return n << 10, nil
	}
	return 0, errors.New("read the memory of a process: no VmRSS in its status")
}

package procstat

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// clockTick is the unit of /proc/stat: USER_HZ, 100 on every Linux that Go and
// Envoy run on.
const clockTick = 10 * time.Millisecond

// Busy is the CPU time that all processes of this machine have used since it
// started, including what its host took away (steal).
func Busy() (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("read the machine's CPU time: %w", err)
	}
	return parseBusy(string(text))
}

// parseBusy leaves interrupts out: they cannot be attributed to a process.
func parseBusy(stat string) (time.Duration, error) {
	const user, nice, system, steal, enough = 1, 2, 3, 8, 9
	for line := range strings.Lines(stat) {
		f := strings.Fields(line)
		if len(f) < enough || f[0] != "cpu" {
			continue
		}
		var sum time.Duration
		for _, i := range []int{user, nice, system, steal} {
			n, err := strconv.ParseInt(f[i], 10, 64)
			if err != nil {
				return 0, fmt.Errorf("read the machine's CPU time: %q", line)
			}
			sum += time.Duration(n) * clockTick
		}
		return sum, nil
	}
	return 0, fmt.Errorf("read the machine's CPU time: no line %q in /proc/stat", "cpu")
}

// Own is the CPU time of this process and of its children that have ended.
func Own() (sum time.Duration) {
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) == nil {
			sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	return sum
}

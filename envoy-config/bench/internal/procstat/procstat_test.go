package procstat

import (
	"os"
	"testing"
	"time"
)

func TestParseSchedstat(t *testing.T) {
	got, err := parseSchedstat([]byte("1234567 89 10\n"))
	if err != nil || got != 1234567*time.Nanosecond {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"", "x 1 2\n"} {
		if got, err := parseSchedstat([]byte(bad)); err == nil {
			t.Errorf("%q gave %v", bad, got)
		}
	}
}

func TestParseResident(t *testing.T) {
	got, err := parseResident("Name:\tenvoy\nVmHWM:\t  9 kB\nVmRSS:\t  2048 kB\n")
	if err != nil || got != 2<<20 {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"", "VmRSS: 5\n", "VmRSS: x kB\n"} {
		if got, err := parseResident(bad); err == nil {
			t.Errorf("%q gave %v", bad, got)
		}
	}
}

// TestCPUCountsWork holds that work on this process's threads shows.
func TestCPUCountsWork(t *testing.T) {
	before, err := CPU(os.Getpid())
	if err != nil {
		t.Skip(err) // not every kernel keeps it
	}
	sum := 0
	after := before
	for after-before < 20*time.Millisecond {
		for i := range 10_000_000 {
			sum += i
		}
		if after, err = CPU(os.Getpid()); err != nil {
			t.Fatal(err)
		}
	}
	if sum == 0 {
		t.Error("nothing was done")
	}
	if n, err := Resident(os.Getpid()); err != nil || n == 0 {
		t.Errorf("%d bytes resident, %v", n, err)
	}
}

func TestEndedProcess(t *testing.T) {
	if _, err := CPU(1 << 30); err == nil {
		t.Error("a process that is not there has CPU time")
	}
}

func TestParseBusy(t *testing.T) {
	got, err := parseBusy("cpu  100 10 1 5000 7 70 700 2 9 9\ncpu0 1 1 1 1 1 1 1 1 1 1\n")
	if want := 1130 * time.Millisecond; err != nil || got != want {
		t.Errorf("got %v, want %v, %v", got, want, err)
	}
	for _, bad := range []string{"", "cpu 1 2 3\n", "cpu x 2 3 4 5 6 7 8\n"} {
		if got, err := parseBusy(bad); err == nil {
			t.Errorf("%q gave %v", bad, got)
		}
	}
	before, err := Busy()
	if err != nil || before <= 0 || Own() <= 0 {
		t.Errorf("the machine used %v, this process %v, %v", before, Own(), err)
	}
}

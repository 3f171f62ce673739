package envoy

import (
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

// LogLine is one line of a Host's log: the guest's own, what it wrote to stdout (info) and stderr (error), and what the
// host says about it, such as a trap.
type LogLine struct {
	At      time.Time
	Level   abi.Level
	Message string
	// Thread wrote it: 0 the main thread, else the worker's number from 1.
	Thread int
	// Host is true for the host's own words.
	Host bool
}

package demo_test

import (
	"io"
	"log"
	"log/slog"
	"testing"

	"go.uber.org/goleak"
)

// quiet swallows what servers say about handshakes that tests make fail.
var quiet = log.New(io.Discard, "", 0)

// TestMain keeps the OAuth library's log of refused requests out of the output,
// and finds what a demo that was closed has left running.
func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	goleak.VerifyTestMain(m)
}

package demo_test

import (
	"io"
	"log"
	"log/slog"
	"os"
	"testing"
)

// quiet swallows what servers say about handshakes that tests make fail.
var quiet = log.New(io.Discard, "", 0)

// TestMain keeps the OAuth library's log of refused requests out of the output.
func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

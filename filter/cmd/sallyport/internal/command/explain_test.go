package command

import (
	"strings"
	"testing"
)

// TestReadAllIsBounded: what is too long is refused, not cut.
func TestReadAllIsBounded(t *testing.T) {
	if text, err := readAll(strings.NewReader(strings.Repeat("x", maxAsked))); err != nil || len(text) != maxAsked {
		t.Errorf("at the bound: %d bytes, %v", len(text), err)
	}
	if _, err := readAll(strings.NewReader(strings.Repeat("x", maxAsked+1))); err == nil {
		t.Error("one byte more was taken")
	}
}

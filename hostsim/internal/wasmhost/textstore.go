package wasmhost

import "strings"

// textBlock is how much text is allocated at a time, and maxBlockText what still goes into a block.
const (
	textBlock    = 4096
	maxBlockText = textBlock / 8
)

// TextStore makes strings from bytes with few allocations: short ones share a block.
type TextStore struct{ block strings.Builder }

func (t *TextStore) Keep(b []byte) string {
	if len(b) > maxBlockText {
		return string(b)
	}
	if t.block.Cap()-t.block.Len() < len(b) {
		t.block = strings.Builder{}
		t.block.Grow(textBlock)
	}
	at := t.block.Len()
	t.block.Write(b)
	return t.block.String()[at:]
}

package sharedtable

import "encoding/binary"

// Key is a digest of what an entry is about. Whoever chooses the texts must not
// be able to choose its first bytes, which determine its bucket.
type Key [32]byte

// Hash chooses the bucket.
func (k Key) Hash() uint32 { return binary.BigEndian.Uint32(k[:4]) }

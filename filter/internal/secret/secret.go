// Package secret holds values that must not be shown: a client secret, a key.
// A Value prints [redacted] whatever the verb, compares in constant time, and
// can be told apart in a log by a short hash.
package secret

import (
	"crypto/subtle"
	"encoding/binary"
	"strconv"

	"github.com/sallyport-gateway/sallyport/filter/internal/sha256"
)

// Redacted is what a Value prints as.
const Redacted = "[redacted]"

// Value is a secret. The zero value is the empty secret. The text sits behind
// a function, so that reflection (fmt on an unexported field, a structural
// dump) finds an address and never the text, and so that == does not compile.
type Value struct{ reveal func() string }

// New keeps text as a secret.
func New(text string) Value {
	if text == "" {
		return Value{}
	}
	return Value{reveal: func() string { return text }}
}

// Reveal returns the text, for code that must send it on. Never log or format
// it.
func (v Value) Reveal() string {
	if v.reveal == nil {
		return ""
	}
	return v.reveal()
}

// Empty reports whether there is no text.
func (v Value) Empty() bool { return v.reveal == nil }

// Equal compares in a time that depends on the lengths only. Two empty values
// are never equal: nothing is not a credential.
func (v Value) Equal(other Value) bool {
	if v.Empty() || other.Empty() {
		return false
	}
	return subtle.ConstantTimeCompare([]byte(v.Reveal()), []byte(other.Reveal())) == 1
}

// Fingerprint is eight hex digits of a hash of the text, for logs; "" for the
// empty secret. It is short on purpose: enough to tell two secrets apart, too
// little to confirm a guess.
func (v Value) Fingerprint() string {
	if v.Empty() {
		return ""
	}
	sum := sha256.Sum256([]byte("sallyport.fingerprint\x00" + v.Reveal()))
	digits := strconv.FormatUint(uint64(binary.BigEndian.Uint32(sum[:])), 16)
	return "00000000"[len(digits):] + digits
}

// String is Redacted.
func (v Value) String() string { return Redacted }

// GoString is Redacted, for %#v.
func (v Value) GoString() string { return Redacted }

// MarshalText gives Redacted to encoders.
func (v Value) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

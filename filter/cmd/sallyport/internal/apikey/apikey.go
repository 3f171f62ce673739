// Package apikey makes API keys that can be told from anything else: a prefix that secret scanners find, 32 random
// bytes, and a checksum, so that a mistyped key is recognized without asking anybody.
package apikey

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"math/big"
	"strconv"
	"strings"

	policykey "github.com/sallyport-gateway/sallyport/filter/internal/policy/apikey"
)

const (
	// Prefix begins every key. A scanner's expression for a whole one is Pattern.
	Prefix  = "slyp_"
	Pattern = `\bslyp_[0-9A-Za-z]{49}\b`

	randomBytes   = 32
	randomDigits  = 43 // of 62 kinds: 62^43 > 2^256
	checkDigits   = 6  // 62^6 > 2^32
	digits        = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	base          = int64(len(digits))
	minForeignLen = 16
	maxForeignLen = policykey.MaxKeyBytes // a longer one would never be known
)

// Mint makes a new key. It must be shown once and not stored anywhere.
func Mint() string {
	var random [randomBytes]byte
	// It does not fail: it ends the process instead (crypto/rand).
	_, _ = rand.Read(random[:])
	body := encode(new(big.Int).SetBytes(random[:]), randomDigits)
	return Prefix + body + checksum(body)
}

// SHA256 is what a configuration knows a key by, in hex.
func SHA256(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// Check reports what is wrong with a key to import. One with our prefix must be complete; of others only length and
// characters can be checked. The error never shows the key.
func Check(key string) error {
	if strings.HasPrefix(key, Prefix) {
		body := key[len(Prefix):]
		if len(body) != randomDigits+checkDigits || checksum(body[:randomDigits]) != body[randomDigits:] {
			return errors.New("is invalid: checksum mismatch, so a character is wrong or missing")
		}
		return nil
	}
	if len(key) < minForeignLen || len(key) > maxForeignLen {
		return errors.New("must have " + strconv.Itoa(minForeignLen) + " to " + strconv.Itoa(maxForeignLen) + " characters")
	}
	for _, c := range []byte(key) {
		if c <= ' ' || c > '~' {
			return errors.New("must be printable ASCII without blanks")
		}
	}
	return nil
}

func checksum(body string) string {
	return encode(big.NewInt(int64(crc32.ChecksumIEEE([]byte(body)))), checkDigits)
}

// encode writes n in base 62, padded with zeros to width.
func encode(n *big.Int, width int) string {
	out := make([]byte, width)
	var digit big.Int
	for i := width - 1; i >= 0; i-- {
		n.DivMod(n, big.NewInt(base), &digit)
		out[i] = digits[digit.Int64()]
	}
	return string(out)
}

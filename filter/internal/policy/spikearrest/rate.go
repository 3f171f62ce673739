package spikearrest

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
)

// Bounds of what can be configured. They keep every sum of times in this
// package far from overflow.
const (
	MaxRate   = 1_000_000 // messages per second or minute
	MaxBurst  = 1_000_000 // messages
	MaxWeight = 1_000     // slots per message
)

// Rate is how many messages may pass in a period. The zero Rate lets none pass.
type Rate struct {
	messages int
	period   time.Duration
}

var errRate = errors.New(`must be a number from 1 to ` + strconv.Itoa(MaxRate) + ` with "ps" or "pm", as in "200ps"`)

// ParseRate reads "<n>ps" or "<n>pm": n messages a second or a minute.
func ParseRate(word string) (Rate, error) {
	r := Rate{period: time.Second}
	digits, ok := strings.CutSuffix(word, "ps")
	if !ok {
		r.period = time.Minute
		digits, ok = strings.CutSuffix(word, "pm")
	}
	if !ok || digits == "" || digits[0] < '1' || digits[0] > '9' { // no leading zeros
		return Rate{}, errRate
	}
	n, ok := ascii.Number(digits, MaxRate)
	if !ok {
		return Rate{}, errRate
	}
	r.messages = int(n)
	return r, nil
}

// String is the rate as ParseRate reads it.
func (r Rate) String() string {
	if r.period == time.Second {
		return strconv.Itoa(r.messages) + "ps"
	}
	return strconv.Itoa(r.messages) + "pm"
}

// DefaultBurst is Apigee's: a tenth of the messages of a period, at least 1.
func DefaultBurst(r Rate) int { return max(1, r.messages/10) }

// violation is the text of Apigee's fault.
func violation(r Rate, burst int) string {
	return "Spike arrest violation. Allowed rate : MessageRate{messagesPerPeriod=" + strconv.Itoa(r.messages) +
		", periodInMicroseconds=" + strconv.FormatInt(r.period.Microseconds(), 10) +
		", maxBurstMessageCount=" + strconv.Itoa(burst) + ".0}"
}

package document

import "time"

// ParseTime reads what a configuration writes for a time: RFC 3339, or a date alone, which is its first moment in UTC.
func ParseTime(text string) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t, nil
	}
	return time.Parse(time.RFC3339, text)
}

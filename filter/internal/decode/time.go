package decode

import "time"

// Duration reads a string with units, such as "1.5s", from low to high.
func (r *Reader) Duration(v Value, low, high time.Duration) time.Duration {
	wanted := "a duration from " + low.String() + " to " + high.String()
	if !v.IsString() {
		r.Wrong(v, wanted, `; write it with a unit and in quotes, such as "2s"`)
		return 0
	}
	s := v.Content()
	d, ok := parseDuration(s)
	if !ok || d < low || d > high {
		r.Got("must be "+wanted, s)
		return 0
	}
	return d
}

// Time reads RFC 3339's date-time from first to last, all in unix seconds. A date
// alone is its first moment in UTC.
func (r *Reader) Time(v Value, first, last int64) int64 {
	s, ok := r.peek(v)
	if !ok {
		return 0
	}
	moment := s
	if len(s) == len("2027-05-01") {
		moment += "T00:00:00Z"
	}
	t, ok := parseTime(moment)
	if !ok || t < first || t > last {
		r.Got(`must be a time such as "2027-05-01T00:00:00Z"`, s)
		return 0
	}
	return t
}

// time.Parse and time.ParseDuration read any layout and any unit, and would
// make the module 110 KiB larger; time.Date alone pulls in the time zone rules.
// These two read what a configuration may say.

// parseTime reads RFC 3339's date-time from the year 1 on, with "T" and "Z" in
// upper case, as unix seconds. A fraction of up to nine digits is cut off: what
// ends then ends a moment earlier, never later.
func parseTime(s string) (unix int64, ok bool) {
	const shape = "0000-00-00T00:00:00"
	if len(s) <= len(shape) {
		return 0, false
	}
	for i := range len(shape) {
		if isDigit := s[i]-'0' < 10; shape[i] == '0' && !isDigit || shape[i] != '0' && s[i] != shape[i] {
			return 0, false
		}
	}
	year, month, day := number(s[0:4]), number(s[5:7]), number(s[8:10])
	hour, minute, second := number(s[11:13]), number(s[14:16]), number(s[17:19])
	_, rest := fraction(s[len(shape):])
	offset, ok := zone(rest)
	if !ok || hour > 23 || minute > 59 || second > 59 || year < 1 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return 0, false
	}
	for m := 1; m < month; m++ {
		day += daysIn(year, m)
	}
	past := year - 1
	day += past*365 + past/4 - past/100 + past/400 - daysBefore1970
	return int64(day-1)*86400 + int64(hour*3600+minute*60+second-offset), true
}

// daysBefore1970 are the days from the first one of the year 1.
const daysBefore1970 = 719162

func daysIn(year, month int) int {
	switch {
	case month == 4 || month == 6 || month == 9 || month == 11:
		return 30
	case month != 2:
		return 31
	case year%4 == 0 && (year%100 != 0 || year%400 == 0):
		return 29
	}
	return 28
}

// number is the value of a few digits.
func number(digits string) (n int) {
	for i := range len(digits) {
		n = 10*n + int(digits[i]-'0')
	}
	return n
}

// fraction cuts ".123" off; without one s is the rest.
func fraction(s string) (nanos int, rest string) {
	if s == "" || s[0] != '.' {
		return 0, s
	}
	end, unit := 1, 100_000_000
	for ; end < len(s) && s[end]-'0' < 10 && unit > 0; end++ {
		nanos += int(s[end]-'0') * unit
		unit /= 10
	}
	if end == 1 {
		return 0, s // no digit: the point is not a zone, and is refused there
	}
	return nanos, s[end:]
}

// zone reads "Z" or "+02:00", as seconds.
func zone(s string) (offset int, ok bool) {
	if s == "Z" {
		return 0, true
	}
	if len(s) != 6 || s[0] != '+' && s[0] != '-' || s[3] != ':' {
		return 0, false
	}
	for _, i := range [...]int{1, 2, 4, 5} {
		if s[i]-'0' > 9 {
			return 0, false
		}
	}
	hours, minutes := number(s[1:3]), number(s[4:6])
	if hours > 23 || minutes > 59 {
		return 0, false
	}
	offset = hours*3600 + minutes*60
	if s[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// units of a duration; where one word begins another, the longer one comes
// first.
var units = [...]struct {
	word string
	size time.Duration
}{{"ms", time.Millisecond}, {"us", time.Microsecond}, {"ns", time.Nanosecond}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}}

// maxDigits keeps a number with its unit far from overflow: what is longer is
// beyond every bound of a configuration.
const maxDigits = 9

// parseDuration reads a number with a unit, or several: "250ms", "1.5s",
// "1m30s". There is no sign: no duration of a configuration is negative.
func parseDuration(s string) (d time.Duration, ok bool) {
	if s == "0" {
		return 0, true
	}
	ok = s != ""
	for s != "" {
		end := 0
		for end < len(s) && s[end]-'0' < 10 {
			end++
		}
		if end == 0 || end > maxDigits {
			return 0, false
		}
		whole := number(s[:end])
		nanos, rest := fraction(s[end:])
		size := time.Duration(0)
		for _, u := range units {
			if len(rest) >= len(u.word) && rest[:len(u.word)] == u.word {
				size, rest = u.size, rest[len(u.word):]
				break
			}
		}
		if size == 0 || whole > int(maxDuration/size) {
			return 0, false
		}
		d += time.Duration(whole)*size + time.Duration(nanos)*(size/1000)/1_000_000
		if d > maxDuration {
			return 0, false
		}
		s = rest
	}
	return d, ok
}

// maxDuration is beyond every bound of a configuration.
const maxDuration = 1000 * time.Hour

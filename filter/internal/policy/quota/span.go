package quota

// What the engine is told about a window; see the package.

// named reports whether the engine is given the window by name.
func named(i Interval) bool { return i == Week || i == Month }

func unitOf(i Interval) unit {
	switch i {
	case Minute:
		return unitMinute
	case Hour:
		return unitHour
	case Day:
		return unitDay
	}
	return unitYear
}

// secondsPerYear is the engine's year.
const secondsPerYear = 365 * secondsPerDay

// maxSkew is how far the engine's clock may be from the host's for an answer to
// tell something about the current window, in seconds.
const maxSkew = 2

// present reports whether an answer is about the window that now lies in, by the
// host's clock: the engine's may have ended a little sooner or later.
func (t *terms) present(r *reply, now int64) bool {
	// A call that was made before the window began is not believed even if its
	// reset is that of the new one: the service reads its clock once for the
	// counter and again for the reset.
	if r.stale || named(t.interval) || r.reset == 0 {
		return !r.stale
	}
	left := t.window(now).end - now
	return left-maxSkew <= r.reset && r.reset <= left+maxSkew && left > maxSkew
}

// date writes a day as in 2026-11-30.
func date(seconds int64) string {
	days := seconds / secondsPerDay
	if seconds < 0 {
		days = 0
	}
	year, month := civilMonth(days)
	day := days - daysTo(year, month) + 1
	b := make([]byte, 0, len("2026-11-30"))
	for _, part := range [...]int64{year / 100, year % 100} {
		b = appendTwo(b, part)
	}
	b = appendTwo(append(b, '-'), month)
	return string(appendTwo(append(b, '-'), day))
}

//go:noinline
func appendTwo(b []byte, n int64) []byte { return append(b, byte('0'+n/10%10), byte('0'+n%10)) }

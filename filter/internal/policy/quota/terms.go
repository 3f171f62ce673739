package quota

// terms are a limit: so many hits in an interval. The zero terms admit nothing.
type terms struct {
	limit    int64
	interval Interval
	rolling  bool // windows begin with the first hit, else with the interval of UTC
}

func (t *terms) window(now int64) window {
	if t.rolling {
		return t.interval.rolling(now)
	}
	return t.interval.calendar(now)
}

// usable reports whether anything can be decided at now, in unix nanoseconds. The
// latest moment that is believed is in the year 2116.
func (t *terms) usable(now int64) bool {
	return t.limit > 0 && t.limit <= MaxLimit && t.interval != None && now > 0 && now <= 1<<62
}

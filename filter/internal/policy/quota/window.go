package quota

// Interval is what a limit is for. The zero Interval is none, and admits nothing.
type Interval uint8

// The intervals, from the shortest on.
const (
	None Interval = iota
	Minute
	Hour
	Day
	Week
	Month
)

// intervalWords are the intervals as a configuration has them, in order.
var intervalWords = [...]string{Minute: "minute", Hour: "hour", Day: "day", Week: "week", Month: "month"}

// String is the interval as a configuration has it.
func (i Interval) String() string {
	if i > Month {
		i = None
	}
	return intervalWords[i]
}

// Spans in seconds. A rolling month has 30 days.
const (
	secondsPerDay  = 24 * 60 * 60
	secondsPerWeek = 7 * secondsPerDay
)

var lengths = [...]int64{Minute: 60, Hour: 60 * 60, Day: secondsPerDay, Week: secondsPerWeek, Month: 30 * secondsPerDay}

// window is a span of time in which hits are counted together, in unix seconds:
// from start on, before end.
type window struct{ start, end int64 }

// calendar is the interval of UTC in which now lies, in unix seconds; now is not
// negative. A week begins on Monday (ISO 8601).
//
//go:noinline
func (i Interval) calendar(now int64) window {
	switch i {
	case Minute, Hour, Day:
		start := now - now%lengths[i]
		return window{start, start + lengths[i]}
	case Week:
		const sinceMonday = 3 * secondsPerDay // 1 January 1970 was a Thursday
		start := (now+sinceMonday)/secondsPerWeek*secondsPerWeek - sinceMonday
		return window{start, start + secondsPerWeek}
	case Month:
		year, month := civilMonth(now / secondsPerDay)
		return window{daysTo(year, month) * secondsPerDay, daysTo(year, month+1) * secondsPerDay}
	}
	return window{}
}

// rolling is the window of a first hit at now.
func (i Interval) rolling(now int64) window {
	if i == None || i > Month {
		return window{}
	}
	return window{now, now + lengths[i]}
}

// The calendar is counted in years that begin with March, so that the leap day
// comes last, and in spans of 400 years, which all have as many days. Package
// time would do it in 90 KiB.
const (
	daysPer400Years = 146097
	marchToEpoch    = 719468 // days from 1 March of the year 0 to 1 January 1970
)

// civilMonth gives the year and the month, 1 to 12, of a day since 1970.
//
//go:noinline
func civilMonth(day int64) (year, month int64) {
	day += marchToEpoch
	era, inEra := day/daysPer400Years, day%daysPer400Years
	yearOfEra := (inEra - inEra/1460 + inEra/36524 - inEra/(daysPer400Years-1)) / 365
	dayOfYear := inEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	month = (5*dayOfYear+2)/153 + 3
	year = era*400 + yearOfEra
	if month > 12 {
		return year + 1, month - 12
	}
	return year, month
}

// daysTo is the number of days from 1970 to the first of a month; month 13 is the
// next year's first.
//
//go:noinline
func daysTo(year, month int64) int64 {
	if month > 12 {
		year, month = year+1, month-12
	}
	if month < 3 {
		year, month = year-1, month+12
	}
	era, yearOfEra := year/400, year%400
	return era*daysPer400Years + 365*yearOfEra + yearOfEra/4 - yearOfEra/100 + (153*(month-3)+2)/5 - marchToEpoch
}

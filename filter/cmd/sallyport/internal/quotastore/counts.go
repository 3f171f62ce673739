package quotastore

import (
	"strconv"
	"strings"
	"time"
)

// Party says whose counts: "" for a member is any.
type Party struct{ Domain, Quota, Per, Who string }

// Count is what was counted in one interval, including what the engine refused.
type Count struct {
	Quota    string    `json:"quota"`
	Interval string    `json:"interval"`
	Product  string    `json:"product,omitempty"` // whose limit it is, when it is a product's
	Since    time.Time `json:"since"`
	Hits     int64     `json:"hits"`
	Key      string    `json:"key"`
}

// Counts reads those of a party.
func (r *Redis) Counts(p Party) ([]Count, error) {
	keys, err := r.Keys(p.pattern())
	if err != nil {
		return nil, err
	}
	var counts []Count
	for _, key := range keys {
		c, ok := p.parse(key)
		if !ok {
			continue
		}
		if c.Hits, err = r.Count(key); err != nil {
			return nil, err
		}
		counts = append(counts, c)
	}
	return counts, nil
}

// pattern is a glob that all of the party's keys match, and others may.
func (p Party) pattern() string {
	return literal(p.Domain) + "_quota_" + literal(p.Quota) + "_interval_*_" + literal(p.Per) + "_" + literal(p.Who) + "_*"
}

// literal escapes a text for use in a glob.
func literal(text string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "]", `\]`).Replace(text)
}

// parse reads a key as the service makes it: the domain and the pairs of the descriptor, one after the other, and when
// its own span began.
func (p Party) parse(key string) (Count, bool) {
	rest, ok := strings.CutPrefix(key, p.Domain+"_quota_"+p.Quota+"_interval_")
	if !ok {
		return Count{}, false
	}
	interval, rest, ok := strings.Cut(rest, "_")
	if !ok {
		return Count{}, false
	}
	before, end, ok := cutLast(rest, p.Per+"_"+p.Who+"_")
	if !ok {
		return Count{}, false
	}
	c := Count{Quota: p.Quota, Interval: interval, Key: key}
	if before != "" {
		product, ok := strings.CutPrefix(strings.TrimSuffix(before, "_"), "product_")
		if !ok {
			return Count{}, false
		}
		c.Product = product
	}
	if named, ok := strings.CutPrefix(end, "since_"); ok {
		day, _, _ := strings.Cut(named, "_")
		at, err := time.Parse(time.DateOnly, day)
		c.Since = at
		return c, err == nil
	}
	seconds, err := strconv.ParseInt(end, 10, 64)
	c.Since = time.Unix(seconds, 0).UTC()
	return c, err == nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 || i > 0 && s[i-1] != '_' {
		return "", "", false
	}
	return s[:i], s[i+len(sep):], true
}

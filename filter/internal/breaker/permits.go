package breaker

import "time"

// permitSlots is the number of seconds that leases may end in. MaxLease is
// shorter by one, because a lease ends on a full second.
const (
	permitSlots = 16
	MaxLease    = (permitSlots - 1) * time.Second
)

// slot counts the permits whose lease ends at one second of the unix clock.
type slot struct {
	second uint32
	count  uint16
}

// permits are the calls in flight. They are counted by the second in which
// their lease ends, so that those of a worker that died are forgotten in time
// and no list of them is needed.
type permits [permitSlots]slot

// take counts one more permit and gives the second to release it by.
func (p *permits) take(now int64, lease time.Duration) (second uint32) {
	second = uint32((now + int64(lease) + int64(time.Second) - 1) / int64(time.Second))
	s := &p[second%permitSlots]
	if s.second != second { // the one that was here ended long ago
		*s = slot{second: second}
	}
	if s.count < 1<<16-1 {
		s.count++
	}
	return second
}

// release forgets a permit, if its lease has not ended meanwhile.
func (p *permits) release(second uint32) {
	if s := &p[second%permitSlots]; s.second == second && s.count > 0 {
		s.count--
	}
}

// count is the number of permits whose lease has not ended.
func (p *permits) count(now int64) int {
	second, n := now/int64(time.Second), 0
	for _, s := range p {
		if left := int64(s.second) - second; left > 0 && left <= permitSlots {
			n += int(s.count)
		}
	}
	return n
}

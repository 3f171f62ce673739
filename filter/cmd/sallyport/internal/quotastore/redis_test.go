package quotastore

import (
	"bufio"
	"net"
	"strings"
	"testing"
	"time"
)

// script is a server that answers each command of the client with the next text.
func script(t *testing.T, answers ...string) *Redis {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer l.Close()
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		in := bufio.NewReader(c)
		for _, a := range answers {
			if _, err := in.ReadString('*'); err != nil {
				return
			}
			if _, err := c.Write([]byte(a)); err != nil {
				return
			}
		}
		_, _ = in.ReadString(0) // until the client has read all
	}()
	r, err := Open(t.Context(), l.Addr().String(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func bulk(words ...string) string {
	var b strings.Builder
	for _, w := range words {
		b.WriteString("$" + itoa(len(w)) + "\r\n" + w + "\r\n")
	}
	return b.String()
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + itoa(n%10)
}

func TestQuotaCounts(t *testing.T) {
	const day, month = "s_quota_default_interval_day_app_shop_1764374400", "s_quota_default_interval_month_product_gold_app_shop_since_2026-11-01_1766016000"
	others := []string{"s_quota_default_interval_day_app_shop_shop_x_1764374400", "s_quota_default_interval_day_app_shop_x", "s_quota_default_interval_day_myapp_shop_1"}
	r := script(t,
		"*2\r\n"+bulk("7")+"*2\r\n"+bulk(day, others[1]),
		"*2\r\n"+bulk("0")+"*4\r\n"+bulk(day, month, others[0], others[2]),
		bulk("41"), bulk("7"))
	counts, err := r.Counts(Party{Domain: "s", Quota: "default", Per: "app", Who: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	want := []Count{
		{Quota: "default", Interval: "day", Since: time.Unix(1764374400, 0).UTC(), Hits: 41, Key: day},
		{Quota: "default", Interval: "month", Product: "gold", Since: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Hits: 7, Key: month},
	}
	if len(counts) != 2 || counts[0] != want[0] || counts[1] != want[1] {
		t.Errorf("got %+v\nwant %+v", counts, want)
	}
}

func TestQuotaServersThatAreNot(t *testing.T) {
	for name, answer := range map[string]string{
		"an error":         "-NOAUTH Authentication required.\r\n",
		"HTTP":             "HTTP/1.1 400 Bad Request\r\n\r\n",
		"a large value":    "$99999999\r\n",
		"a deep list":      "*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
		"no list":          ":1\r\n",
		"half a line":      "*2\n",
		"something else":   "*1\r\n:1\r\n",
		"a list of no end": "*99999999\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			if keys, err := script(t, answer).Keys("*"); err == nil {
				t.Errorf("taken: %v", keys)
			}
		})
	}
}

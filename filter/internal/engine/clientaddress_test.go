package engine

import (
	"testing"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
)

func TestFromRight(t *testing.T) {
	headers := func(values ...string) (list []host.Header) {
		for _, v := range values {
			list = append(list, host.Header{Name: "x-forwarded-for", Value: v}, host.Header{Name: "x-other", Value: "9.9.9.9"})
		}
		return list
	}
	tests := []struct {
		name    string
		headers []host.Header
		n       int
		want    string
	}{
		{"none", nil, 1, ""},
		{"the nearest", headers("6.6.6.6, 10.0.0.1"), 1, "10.0.0.1"},
		{"the one before", headers("6.6.6.6,10.0.0.1"), 2, "6.6.6.6"},
		{"too few", headers("6.6.6.6, 10.0.0.1"), 3, ""},
		{"several headers", headers("6.6.6.6", "7.7.7.7, 8.8.8.8"), 3, "6.6.6.6"},
		{"an empty element counts", headers("6.6.6.6,,8.8.8.8"), 2, ""},
		{"empty", headers(""), 1, ""},
		{"as it was written", headers("6.6.6.6:1234,\t [2001:db8::1]:443 "), 1, "[2001:db8::1]:443"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := fromRight(tt.headers, tt.n); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

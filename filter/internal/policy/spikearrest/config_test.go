package spikearrest

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParseRate(t *testing.T) {
	for _, tt := range []struct {
		word  string
		slot  time.Duration
		burst int
	}{
		{"1ps", time.Second, 1},
		{"10ps", 100 * time.Millisecond, 1},
		{"200ps", 5 * time.Millisecond, 20},
		{"1000000ps", time.Microsecond, 100000},
		{"5pm", 12 * time.Second, 1},
		{"12pm", 5 * time.Second, 1},
		{"60pm", time.Second, 6},
		{"300pm", 200 * time.Millisecond, 30},
	} {
		t.Run(tt.word, func(t *testing.T) {
			r := mustRate(t, tt.word)
			if r.String() != tt.word {
				t.Errorf("prints as %q", r)
			}
			if got := DefaultBurst(r); got != tt.burst {
				t.Errorf("default burst %d, want %d", got, tt.burst)
			}
			if got := newLimit(r, tt.burst).slot; got != int64(tt.slot) {
				t.Errorf("slot %v, want %v", time.Duration(got), tt.slot)
			}
		})
	}
}

func TestParseRateRefuses(t *testing.T) {
	for _, word := range []string{
		"", "ps", "pm", "10", "10ph", "0ps", "-1ps", "+1ps", "01ps", "1.5ps", "1e3ps", " 10ps", "10ps ", "10 ps", "10PS",
		"0x10ps", "1_000ps", "1000001ps", "99999999999999999999ps", "10psps", "10pmps", "１０ps",
	} {
		if r, err := ParseRate(word); err == nil || r != (Rate{}) {
			t.Errorf("%q was read as %v", word, r)
		}
	}
}

func TestParsePer(t *testing.T) {
	for _, tt := range []struct {
		word string
		want Per
	}{
		{"", Per{Kind: All}},
		{"client_ip", Per{Kind: ClientIP}},
		{"app", Per{Kind: App}},
		{"api", Per{Kind: All}},
		{"product", Per{Kind: Product}},
		{"token_subject", Per{Kind: TokenSubject}},
		{"header:X-Tenant", Per{Kind: HeaderValue, Header: "x-tenant"}},
		{"header:app", Per{Kind: HeaderValue, Header: "app"}},
	} {
		if got, err := ParsePer(tt.word); err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%q was read as %+v, error %v; want %+v", tt.word, got, err, tt.want)
		}
	}
	for _, word := range []string{
		"ip", "App", "header", "header:", "header::path", "header:a b", "header:a\n", "header:ü",
		"query:x", "header:" + strings.Repeat("a", maxHeaderName+1),
	} {
		if got, err := ParsePer(word); err == nil || !reflect.DeepEqual(got, Per{}) {
			t.Errorf("%q was read as %+v", word, got)
		}
	}
}

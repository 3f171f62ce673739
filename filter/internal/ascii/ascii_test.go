package ascii_test

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
)

func TestLikePackageStrings(t *testing.T) {
	text := rapid.StringMatching(`[ \t\r\nA-Za-z0-9_.,;&-]{0,12}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := text.Draw(t, "a"), text.Draw(t, "b")
		if got, want := ascii.Lower(a), strings.ToLower(a); got != want {
			t.Errorf("Lower(%q) = %q, want %q", a, got, want)
		}
		if got, want := ascii.EqualFold(a, b), strings.EqualFold(a, b); got != want {
			t.Errorf("EqualFold(%q, %q) = %v", a, b, got)
		}
		if !ascii.EqualFold(a, strings.ToUpper(a)) {
			t.Errorf("EqualFold of %q and its upper case is false", a)
		}
		if got, want := ascii.Trim(a, " \t"), strings.Trim(a, " \t"); got != want {
			t.Errorf("Trim(%q) = %q, want %q", a, got, want)
		}
	})
}

func TestOtherBytesStayAsTheyAre(t *testing.T) {
	const kelvin = "\u212a" // strings.EqualFold takes it for a k
	if ascii.EqualFold(kelvin, "k") || ascii.Lower("\u00c4") != "\u00c4" || ascii.Trim("\u00a0x", " ") != "\u00a0x" {
		t.Error("bytes beyond ASCII were changed or folded")
	}
}

func TestSameVariable(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"x-user-id", "X_User.Id", true},
		{"x!user~id", "x|user`id", true},
		{"x-user-id", "x-userid", false},
		{"x-user-1", "x-user-2", false},
		{"x-user", "x-usee", false},
		{"x--user", "x-user", false},
		{"x-user\x00", "x-user-", true},
		{"", "", true},
	} {
		if got := ascii.SameVariable(tt.a, tt.b); got != tt.want {
			t.Errorf("SameVariable(%q, %q) = %v", tt.a, tt.b, got)
		}
		if got := ascii.Variable(tt.a) == ascii.Variable(tt.b); got != tt.want {
			t.Errorf("Variable(%q) == Variable(%q): %v", tt.a, tt.b, got)
		}
	}
}

func TestNumber(t *testing.T) {
	tests := []struct {
		name, digits string
		highest      int64
		want         int64
		ok           bool
	}{
		{"nothing", "", 9, 0, false},
		{"zero", "0", 0, 0, true},
		{"above zero", "1", 0, 0, false},
		{"leading zeros", "0042", 42, 42, true},
		{"the highest", "1000000", 1_000_000, 1_000_000, true},
		{"one more", "1000001", 1_000_000, 0, false},
		{"what an int64 holds", "9223372036854775807", math.MaxInt64, math.MaxInt64, true},
		{"one more than it holds", "9223372036854775808", math.MaxInt64, 0, false},
		{"far more than it holds", "99999999999999999999", math.MaxInt64, 0, false},
		{"a sign", "+1", 9, 0, false},
		{"a minus", "-1", 9, 0, false},
		{"a letter", "1a", 99, 0, false},
		{"an underscore", "1_0", 99, 0, false},
		{"a blank", "1 ", 9, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := ascii.Number(tt.digits, tt.highest); got != tt.want || ok != tt.ok {
				t.Errorf("got %d, %t, want %d, %t", got, ok, tt.want, tt.ok)
			}
		})
	}
}

func TestJoin(t *testing.T) {
	for want, list := range map[string][]string{"": nil, "a": {"a"}, "a, b": {"a", "b"}, ", a, , b": {"", "a", "", "b"}} {
		if got := ascii.Join(list, ", "); got != want || got != strings.Join(list, ", ") {
			t.Errorf("%q: %q, want %q", list, got, want)
		}
	}
}

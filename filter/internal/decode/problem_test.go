package decode_test

import (
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
)

func TestString(t *testing.T) {
	tests := []struct {
		name string
		give decode.Problem
		want string
	}{
		{"with a path", decode.Problem{Path: "a[0].b", Message: "wrong"}, "a[0].b: wrong"},
		{"the whole document", decode.Problem{Message: "wrong"}, "wrong"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.give.String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestListKeepsABoundedNumber(t *testing.T) {
	var l decode.Problems
	if !l.Empty() || l.All() != nil {
		t.Fatal("the zero list is not empty")
	}
	for i := range decode.MaxKept {
		l.Add(strconv.Itoa(i), "m")
	}
	if got := len(l.All()); got != decode.MaxKept {
		t.Fatalf("%d problems, want %d", got, decode.MaxKept)
	}
	if !l.Full() {
		t.Fatal("not full")
	}
	l.Add("x", "m")
	l.Count()
	got := l.All()
	if len(got) != decode.MaxKept+1 || got[decode.MaxKept].String() != "and 2 more" {
		t.Errorf("ends with %v", got[len(got)-1])
	}
}

func TestAddUnseenLeavesOutWhatFollows(t *testing.T) {
	var l decode.Problems
	l.Add("a[1]", "m")
	l.Add("b", "m")
	for _, path := range []string{"a[1]", "a[1].c", "a[1][2]", "b.x"} {
		l.AddUnseen(decode.Problem{Path: path, Message: "follows"})
	}
	for _, path := range []string{"a[10]", "a", "bx", ""} {
		l.AddUnseen(decode.Problem{Path: path, Message: "own"})
	}
	var own []string
	for _, p := range l.All() {
		if p.Message == "follows" {
			t.Errorf("kept %s", p)
		}
		if p.Message == "own" {
			own = append(own, p.Path)
		}
	}
	if got := strings.Join(own, ","); got != "a[10],a,bx," {
		t.Errorf("kept %q", got)
	}
}

func TestQuoteIsBoundedAndASCII(t *testing.T) {
	tests := []struct{ name, give, want string }{
		{"plain", "abc", `"abc"`},
		{"line end", "a\nb\r\x00", `"a\nb\r\x00"`},
		{"quotes", `a"b`, `"a\"b"`},
		{"not ASCII", "é\xff", `"\u00e9\xff"`},
		{"long", strings.Repeat("x", 100), `"` + strings.Repeat("x", 64) + `"...`},
		{"long, cut inside a rune", strings.Repeat("x", 63) + "éé", `"` + strings.Repeat("x", 63) + `"...`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := decode.Quote(tt.give); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func FuzzQuote(f *testing.F) {
	f.Add("abc")
	f.Add(strings.Repeat("\xff", 200))
	f.Add(strings.Repeat("\U0010ffff", 30))
	f.Fuzz(func(t *testing.T, s string) {
		got := decode.Quote(s)
		if len(got) > 64*10+5 {
			t.Errorf("%d bytes", len(got))
		}
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return r < 0x20 || r > 0x7e }) {
			t.Errorf("not printable ASCII: %q", got)
		}
		decode.Nearest(s, []string{"abc", "", s})
	})
}

func TestNearest(t *testing.T) {
	known := []string{"base_path", "hosts", "name", "version", "rate", "per"}
	tests := []struct{ name, give, want string }{
		{"letter left out", "base_pth", "base_path"},
		{"camel case", "basePath", "base_path"},
		{"hyphen", "base-path", "base_path"},
		{"singular", "host", "hosts"},
		{"upper case", "RATE", "rate"},
		{"letters swapped", "nmae", ""},
		{"nothing near", "credentials", ""},
		{"empty", "", ""},
		{"long", strings.Repeat("n", 100), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := decode.Nearest(tt.give, known)
			if got != tt.want || ok != (tt.want != "") {
				t.Errorf("got %q, %v; want %q", got, ok, tt.want)
			}
		})
	}
}

package jsonobject

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"
)

func TestNumericDate(t *testing.T) {
	type want struct {
		seconds  int64
		fraction bool
		ok       bool
	}
	bad := want{}
	whole := func(n int64) want { return want{n, false, true} }
	cut := func(n int64) want { return want{n, true, true} }
	tests := []struct {
		name, number string
		want         want
	}{
		{"an integer", `1795435199`, whole(1795435199)},
		{"zero", `0`, whole(0)},
		{"the last second", `253402300799`, whole(253402300799)},
		{"one too many", `253402300800`, bad},
		{"within the last second", `253402300799.999`, cut(253402300799)},
		{"milliseconds", `1795435199512`, bad},
		{"a fraction", `1795435199.512`, cut(1795435199)},
		{"a fraction of zeros", `1795435199.000`, whole(1795435199)},
		{"as a double writes it", `1795435199.5120001`, cut(1795435199)},
		{"never rounded up", `1795435199.99999999999999999999`, cut(1795435199)},
		{"less than a second", `0.5`, cut(0)},
		{"an exponent", `1.795435199e9`, whole(1795435199)},
		{"a capital exponent with a sign", `1.795435199512E+9`, cut(1795435199)},
		{"a negative exponent", `1795435199512e-3`, cut(1795435199)},
		{"a negative exponent that leaves no fraction", `1795435199000e-3`, whole(1795435199)},
		{"an exponent with zeros before", `17e00000000000000000001`, whole(170)},
		{"an exponent that adds digits", `1e9`, whole(1000000000)},
		{"an exponent over a fraction", `0.0000001795435199e16`, whole(1795435199)},
		{"a huge exponent", `1e300`, bad},
		{"an exponent that overflows an int", `1e99999999999999999999`, bad},
		{"a tiny number", `1e-99999999999999999999`, cut(0)},
		{"zero with a huge exponent", `0e99999999999999999999`, whole(0)},
		{"zero with digits", `0.000e5`, whole(0)},
		{"minus zero", `-0`, whole(0)},
		{"minus zero with digits", `-0.0E-5`, whole(0)},
		{"negative", `-1`, bad},
		{"a negative fraction", `-0.5`, bad},
		{"a negative tiny number", `-1e-999`, bad},
		{"a plus", `+1`, bad},
		{"a leading zero", `01`, bad},
		{"no digit before the dot", `.5`, bad},
		{"no digit behind the dot", `5.`, bad},
		{"no digit between dot and exponent", `5.e1`, bad},
		{"two dots", `1.2.3`, bad},
		{"an exponent without digits", `1e`, bad},
		{"an exponent with only a sign", `1e-`, bad},
		{"a fraction in the exponent", `1e1.5`, bad},
		{"two exponents", `1e1e1`, bad},
		{"only a minus", `-`, bad},
		{"hexadecimal", `0x10`, bad},
		{"with underscores", `1_000`, bad},
		{"a blank behind", `1 `, bad},
		{"NaN", `NaN`, bad},
		{"nan", `nan`, bad},
		{"infinity", `Infinity`, bad},
		{"empty", ``, bad},
		{"the most bytes", `1.` + strings.Repeat("0", maxNumberBytes-2), whole(1)},
		{"too many bytes", `1.` + strings.Repeat("0", maxNumberBytes-1), bad},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			seconds, fraction, ok := NumericDate(Value(tt.number))
			if got := (want{seconds, fraction, ok}); got != tt.want {
				t.Errorf("%s: got %+v, want %+v", tt.number, got, tt.want)
			}
		})
	}
}

func TestNumericDateIsANumber(t *testing.T) {
	for _, text := range []string{`"1795435199"`, `null`, `true`, `[1795435199]`, `{}`, `""`} {
		if n, _, ok := NumericDate(Value(text)); ok {
			t.Errorf("%s: read as %d", text, n)
		}
	}
	if _, _, ok := NumericDate(""); ok {
		t.Error("read what is absent")
	}
}

// FuzzNumericDate compares with exact arithmetic.
func FuzzNumericDate(f *testing.F) {
	for _, seed := range []string{`1795435199.512`, `1.795435199e9`, `-0`, `0e5`, `1e-5`, `253402300799.9`, `NaN`, `1795435199512e-3`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		seconds, fraction, ok := NumericDate(Value(text))
		var number json.Number
		valid := len(text) <= maxNumberBytes && text == strings.TrimSpace(text) &&
			!strings.HasPrefix(text, `"`) && text != "null" && json.Unmarshal([]byte(text), &number) == nil
		if !valid {
			if ok {
				t.Fatalf("%q: read %d of what is not a number", text, seconds)
			}
			return
		}
		if _, exponent, found := strings.Cut(strings.ToLower(text), "e"); found && len(strings.TrimLeft(exponent, "+-0")) > 4 {
			return // too long for exact arithmetic; the table has such ones
		}
		exact, _ := new(big.Rat).SetString(text)
		floor := new(big.Int).Quo(exact.Num(), exact.Denom())
		inRange := exact.Sign() >= 0 && floor.Cmp(big.NewInt(maxUnixSeconds)) <= 0
		switch {
		case ok != inRange:
			t.Fatalf("%q: ok=%v, want %v", text, ok, inRange)
		case ok && (floor.Int64() != seconds || fraction == exact.IsInt()):
			t.Fatalf("%q: got %d, fraction %v; exactly %s", text, seconds, fraction, exact)
		}
	})
}

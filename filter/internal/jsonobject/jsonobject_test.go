package jsonobject

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(`,"` + strings.Repeat("x", i+1) + `":0`)
		}
		return "{" + b.String()[1:] + "}"
	}
	tests := []struct {
		name, text string
		want       error
	}{
		{"an object", `{"a":1,"b":{"a":2}}`, nil},
		{"nothing in it", ` {} `, nil},
		{"deepest", `{"x":` + strings.Repeat("[", MaxDepth-1) + strings.Repeat("]", MaxDepth-1) + `}`, nil},
		{"too deep", `{"x":` + strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth) + `}`, ErrTooDeep},
		{"most members", many(MaxMembers), nil},
		{"too many members", many(MaxMembers + 1), ErrTooManyMembers},
		{"empty", ``, ErrNotJSON},
		{"more behind", `{}{}`, ErrNotJSON},
		{"not UTF-8", "{\"\xff\":1}", ErrNotJSON},
		{"a list", `[{}]`, ErrNotObject},
		{"a name twice", `{"a":1,"a":1}`, ErrDuplicate},
		{"a name twice, escaped", `{"a":1,"\u0061":1}`, ErrDuplicate},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Read([]byte(tt.text)); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":"\u0061"}],"c":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		members, err := Read(text)
		if err != nil {
			return
		}
		var object map[string]json.RawMessage
		if err := json.Unmarshal(text, &object); err != nil {
			t.Fatalf("read what encoding/json does not: %v", err)
		}
		if len(object) != len(members) {
			t.Fatalf("%d members, encoding/json %d", len(members), len(object))
		}
	})
}

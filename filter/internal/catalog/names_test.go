package catalog

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// TestByName holds it against a map, below and above maxFew.
func TestByName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var names byName
		model := map[string]int{}
		most := rapid.IntRange(0, 3*maxFew).Draw(t, "most")
		for i := range rapid.IntRange(0, 60).Draw(t, "steps") {
			name := fmt.Sprint(rapid.IntRange(0, most).Draw(t, "name"))
			got, ok := names.get(name)
			if want, known := model[name]; got != want || ok != known {
				t.Fatalf("%s: %d, %v, want %d, %v", name, got, ok, want, known)
			}
			if !ok {
				names.add(name, i)
				model[name] = i
			}
		}
		for name, want := range model {
			if got, ok := names.get(name); got != want || !ok {
				t.Fatalf("%s: %d, %v, want %d", name, got, ok, want)
			}
		}
	})
}

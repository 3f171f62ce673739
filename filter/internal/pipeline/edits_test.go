package pipeline

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEdited(t *testing.T) {
	came := []Header{{Name: ":path", Value: "/p?key=k"}, {Name: "x-key", Value: "1"}, {Name: "accept", Value: "a"}, {Name: "x-key", Value: "2"}, {Name: "accept", Value: "b"}}
	tests := []struct {
		name    string
		edits   Edits
		want    []Header
		changed bool
	}{
		{"nothing", Edits{}, came, false},
		{"a removal of what did not come", Edits{Remove: []string{"x-other"}}, came, false},
		{"a removal, of every line", Edits{Remove: []string{"x-key"}}, []Header{{Name: ":path", Value: "/p?key=k"}, {Name: "accept", Value: "a"}, {Name: "accept", Value: "b"}}, true},
		{"a new header", Edits{Set: []Header{{Name: "x-app", Value: "shop"}}}, append(came[:5:5], Header{Name: "x-app", Value: "shop"}), true},
		{"a header in another's place", Edits{Remove: []string{"x-key"}, Set: []Header{{Name: "x-key", Value: "3"}}},
			[]Header{{Name: ":path", Value: "/p?key=k"}, {Name: "accept", Value: "a"}, {Name: "accept", Value: "b"}, {Name: "x-key", Value: "3"}}, true},
		{"another query", Edits{QueryChanged: true, Query: "page=2"}, append([]Header{{Name: ":path", Value: "/p?page=2"}}, came[1:]...), true},
		{"no query", Edits{QueryChanged: true}, append([]Header{{Name: ":path", Value: "/p"}}, came[1:]...), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := Exchange{Path: "/p", Query: "key=k", HasQuery: true, Headers: came, Edits: tt.edits}
			got, changed := x.Edited()
			if diff := cmp.Diff(tt.want, got); diff != "" || changed != tt.changed {
				t.Errorf("changed %v, want %v; headers (-want +got):\n%s", changed, tt.changed, diff)
			}
		})
	}
}

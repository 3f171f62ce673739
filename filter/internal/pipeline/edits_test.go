package pipeline

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEdited(t *testing.T) {
	came := []Header{{":path", "/p?key=k"}, {"x-key", "1"}, {"accept", "a"}, {"x-key", "2"}, {"accept", "b"}}
	tests := []struct {
		name    string
		edits   Edits
		want    []Header
		changed bool
	}{
		{"nothing", Edits{}, came, false},
		{"a removal of what did not come", Edits{Remove: []string{"x-other"}}, came, false},
		{"a removal, of every line", Edits{Remove: []string{"x-key"}}, []Header{{":path", "/p?key=k"}, {"accept", "a"}, {"accept", "b"}}, true},
		{"a new header", Edits{Set: []Header{{"x-app", "shop"}}}, append(came[:5:5], Header{"x-app", "shop"}), true},
		{"a header in another's place", Edits{Remove: []string{"x-key"}, Set: []Header{{"x-key", "3"}}},
			[]Header{{":path", "/p?key=k"}, {"accept", "a"}, {"accept", "b"}, {"x-key", "3"}}, true},
		{"another query", Edits{QueryChanged: true, Query: "page=2"}, append([]Header{{":path", "/p?page=2"}}, came[1:]...), true},
		{"no query", Edits{QueryChanged: true}, append([]Header{{":path", "/p"}}, came[1:]...), true},
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

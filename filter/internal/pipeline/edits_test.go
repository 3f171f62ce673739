package pipeline

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
)

// backend is a request's headers at a host; its edits are refused from the failAt-th on, counted from 1.
type backend struct {
	headers []host.Header
	calls   int
	failAt  int
}

func (b *backend) taken() bool {
	b.calls++
	return b.failAt == 0 || b.calls < b.failAt
}

func (b *backend) RemoveHeader(name string) bool {
	if !b.taken() {
		return false
	}
	b.headers = slices.DeleteFunc(b.headers, func(h host.Header) bool { return strings.EqualFold(h.Name, name) })
	return true
}

func (b *backend) ReplaceHeader(name, value string) bool {
	if !b.taken() {
		return false
	}
	at := slices.IndexFunc(b.headers, func(h host.Header) bool { return h.Name == name })
	if at < 0 || name != ":path" {
		b.headers = slices.DeleteFunc(b.headers, func(h host.Header) bool { return h.Name == name })
		b.headers = append(b.headers, host.Header{Name: name, Value: value})
		return true
	}
	b.headers[at].Value = value
	return true
}

func TestEdited(t *testing.T) {
	came := []host.Header{{Name: ":path", Value: "/p?key=k"}, {Name: "x-key", Value: "1"}, {Name: "accept", Value: "a"}, {Name: "x-key", Value: "2"}, {Name: "accept", Value: "b"}}
	without := []host.Header{{Name: ":path", Value: "/p?key=k"}, {Name: "accept", Value: "a"}, {Name: "accept", Value: "b"}}
	tests := []struct {
		name  string
		edits Edits
		want  []host.Header
		calls int
	}{
		{"nothing", Edits{}, came, 0},
		{"a removal of what did not come", Edits{Remove: []string{"x-other"}}, came, 1},
		{"a removal, of every line", Edits{Remove: []string{"x-key"}}, without, 1},
		{"a new header", Edits{Set: []host.Header{{Name: "x-app", Value: "shop"}}}, append(came[:5:5], host.Header{Name: "x-app", Value: "shop"}), 1},
		{"a header in another's place", Edits{Remove: []string{"x-key"}, Set: []host.Header{{Name: "x-key", Value: "3"}}}, append(without[:3:3], host.Header{Name: "x-key", Value: "3"}), 2},
		{"a header in the place of several lines, not removed before", Edits{Set: []host.Header{{Name: "x-key", Value: "3"}}}, append(without[:3:3], host.Header{Name: "x-key", Value: "3"}), 1},
		{"another query", Edits{QueryChanged: true, Query: "page=2"}, append([]host.Header{{Name: ":path", Value: "/p?page=2"}}, came[1:]...), 1},
		{"no query", Edits{QueryChanged: true}, append([]host.Header{{Name: ":path", Value: "/p"}}, came[1:]...), 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := Exchange{Path: "/p", Query: "key=k", HasQuery: true, Headers: came, Edits: tt.edits}
			host := backend{headers: slices.Clone(came)}
			if !x.Edit(&host) || host.calls != tt.calls {
				t.Errorf("refused, or %d calls, want %d", host.calls, tt.calls)
			}
			if diff := cmp.Diff(tt.want, host.headers); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
		})
	}
}

// TestEditsStopAtTheFirstThatFails: whichever it is, the caller is told, and nothing is tried after it.
func TestEditsStopAtTheFirstThatFails(t *testing.T) {
	const all = 5
	for failAt := 1; failAt <= all+1; failAt++ {
		x := Exchange{Path: "/p", Edits: Edits{
			Remove: []string{"x-key", "x_sallyport_app"}, QueryChanged: true,
			Set: []host.Header{{Name: "x-app", Value: "shop"}, {Name: "x-sub", Value: "jane"}},
		}}
		host := backend{failAt: failAt}
		if ok := x.Edit(&host); ok != (failAt > all) || host.calls != min(failAt, all) {
			t.Errorf("the %d. edit refused: ok %v after %d calls", failAt, ok, host.calls)
		}
	}
}

func TestEditsKeepToTheBounds(t *testing.T) {
	lines := func(n int) []host.Header {
		list := []host.Header{{Name: "x-key", Value: "k"}}
		for i := range n - 1 {
			list = append(list, host.Header{Name: "x-" + strconv.Itoa(i)})
		}
		return list
	}
	big := func(n int) []host.Header { return []host.Header{{Name: "x-key", Value: strings.Repeat("v", n)}} }
	const room = 1<<20 - 4 - len("x-key") - 10
	set := []host.Header{{Name: "x-app", Value: "shop"}}
	tests := []struct {
		name  string
		came  []host.Header
		edits Edits
		ok    bool
	}{
		{"1,024 lines", lines(1023), Edits{Set: set}, true},
		{"1,025 lines", lines(1024), Edits{Set: set}, false},
		{"1,024 lines after a removal", lines(1024), Edits{Remove: []string{"x-key"}, Set: set}, true},
		{"1,024 lines after a replacement", lines(1024), Edits{Set: []host.Header{{Name: "x-key", Value: "3"}}}, true},
		{"1 MiB", big(room), Edits{Remove: []string{"x-other"}}, true},
		{"more than 1 MiB", big(room + 1), Edits{Remove: []string{"x-other"}}, false},
		{"more than 1 MiB that is removed", big(room + 1), Edits{Remove: []string{"x-key"}}, true},
		{"more than 1 MiB, unchanged", big(room + 1), Edits{}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := Exchange{Headers: tt.came, Edits: tt.edits}
			host := backend{}
			if ok := x.Edit(&host); ok != tt.ok || !ok && host.calls != 0 {
				t.Errorf("ok %v with %d calls, want %v", ok, host.calls, tt.ok)
			}
		})
	}
}

package scenario

import (
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario/internal/delta"
)

func TestSentRefuses(t *testing.T) {
	const head = "Doc.\n-- config.yaml --\n{}\n"
	const get = "GET / HTTP/1.1\nhost: a\n"
	const answered = "-- response --\n200\n"
	for name, c := range map[string]struct{ text, want string }{
		"not waited for":           {"-- request a --\n" + get, "x.txtar:4: request a is not waited for"},
		"name of a number":         {"-- request 3 --\n" + get + "-- wait --\n" + answered, "does not begin with a digit"},
		"same name under way":      {"-- request a --\n" + get + "-- request a --\n" + get + "-- wait --\n" + answered, "x.txtar:7: second request a while the one of line 5 is under way"},
		"nothing under way":        {"-- wait --\n", "x.txtar:4: no request is under way"},
		"wait for another":         {"-- request a --\n" + get + "-- wait b --\n" + answered, "x.txtar:7: no request b is under way"},
		"wait with text":           {"-- request a --\n" + get + "-- wait --\na\n" + answered, "x.txtar:8: section wait takes no text"},
		"whose response":           {"-- request a --\n" + get + "-- request b --\n" + get + "-- wait --\n" + answered, "x.txtar:11: section response: say of which request, one of a, b"},
		"response of one not here": {"-- request --\n" + get + "-- response a --\n200\n", "x.txtar:7: section response a: the request has no name"},
		"no response of one":       {"-- request a --\n" + get + "-- request b --\n" + get + "-- wait --\n-- response a --\n200\n", "x.txtar:7: request b has no response section"},
		"too few responses":        {"-- request --\ntimes: 3\n" + get + "-- response 2 --\n200\n", "request is sent 3 times and has 2 responses"},
		"too many responses":       {"-- request --\n" + get + "-- response 2 --\n200\n", "request is sent 1 times and has 2 responses"},
		"second without a number":  {"-- request --\ntimes: 2\n" + get + "-- response 1 --\n200\n" + answered, "second section response for the request of line 5"},
		"a count of none":          {"-- request --\n" + get + "-- response 0 --\n200\n", "0 is not a number from 1"},
		"times":                    {"-- request --\ntimes: many\n" + get + answered, `x.txtar:5: times: "many" is not a number`},
		"gone":                     {"-- request --\ngone: 1\n" + get, `x.txtar:5: duration "1" is not between`},
		"gone with a response":     {"-- request --\ngone: 1s\n" + get + answered, "x.txtar:8: the client of the request of line 5 leaves without a response"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("x.txtar", []byte(head+c.text), nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}

// A request of one word fits two answers, the other one only the second: both
// have a partner only when the first leaves the second to the other.
func TestPartners(t *testing.T) {
	fits := [][]bool{{true, true}, {true, false}}
	got := delta.Partners(2, 2, func(i, j int) bool { return fits[i][j] })
	if !slices.Equal(got, []int{1, 0}) {
		t.Errorf("partners are %v", got)
	}
	if got := delta.Partners(2, 1, func(i, j int) bool { return true }); !slices.Equal(got, []int{0, -1}) {
		t.Errorf("two for one are %v", got)
	}
}

func TestCompareManyShowsWhatDiffers(t *testing.T) {
	want := []Response{{Status: 200}, {Status: 200}, {Status: 429, Body: []byte("busy")}}
	got := []Response{{Status: 200}, {Status: 429, Body: []byte("other")}, {Status: 503}, {Status: 200}}
	d := compareMany(want, got, compareResponse, missingResponse, extraResponse)
	const text = "  (2 as expected)\n  ---\n  429\n\n- busy\n+ other\n  ---\n+ 503\n"
	if !d.Differs || d.Text.String() != text {
		t.Errorf("differs is %v:\n%s", d.Differs, d.Text.String())
	}
	if d := compareMany(want, []Response{want[2], want[0], want[1]}, compareResponse, missingResponse, extraResponse); d.Differs {
		t.Errorf("the same in another order differs:\n%s", d.Text.String())
	}
}

func TestActions(t *testing.T) {
	p := &problems{}
	w := parseActions(0, passage{line: 3, text: "proxy_on_request_headers Pause\nproxy_on_request_body Stop\n"}, p)
	if err := p.err(); err == nil || !strings.Contains(err.Error(), ":4: line \"proxy_on_request_body Stop\" is not a callback") {
		t.Errorf("error is %v", err)
	}
	got := actionsFinding(w, []string{"proxy_on_request_headers Continue"})
	if want := "- proxy_on_request_headers Pause\n+ proxy_on_request_headers Continue\n- proxy_on_request_body Stop\n"; got.delta.Text.String() != want {
		t.Errorf("difference is\n%s", got.delta.Text.String())
	}
}

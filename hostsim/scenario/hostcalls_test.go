package scenario

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHostcallsRefused(t *testing.T) {
	const answered = "-- hostcall proxy_log --\n"
	cases := []struct{ name, text, want string }{
		{"no name", "-- hostcall --\nfails: Empty\n", `x.txtar:2: section "hostcall" wants a hostcall's name, such as proxy_get_property`},
		{"no name of a hostcall", "-- hostcall Log! --\nfails: Empty\n", "wants a hostcall's name"},
		{"nothing said", answered + "with: a\n", "x.txtar:2: section hostcall wants one of fails: STATUS and gives: TEXT"},
		{"both said", answered + "fails: Empty\ngives: a\n", "wants one of fails: STATUS and gives: TEXT"},
		{"no status", answered + "fails: Ok\n", `x.txtar:3: "Ok" is not a status: write NotFound, BadArgument`},
		{"unknown word", answered + "fails: Empty\nwhen: now\n", `x.txtar:4: unknown word "when": write fails, gives, with or times`},
		{"times", answered + "fails: Empty\ntimes: often\n", `x.txtar:4: times: "often" is not a number from 1`},
		{"never and more", answered + "fails: never\ntimes: 1\n", "fails: never stands alone"},
		{"pattern", answered + "fails: Empty\nwith: ~(\n", `regular expression "~(": error parsing regexp`},
		{"empty list", "-- hostcalls --\n", "x.txtar:3: section hostcalls has no line"},
		{"count", "-- hostcalls --\nproxy_log >1\n", `x.txtar:3: line "proxy_log >1" is not the name of a hostcall, alone or with N or <=N behind it`},
		{"twice", "-- hostcalls --\nproxy_log 1\nproxy_log\n", "x.txtar:4: second line for proxy_log: keep one"},
		{"two lists", "-- hostcalls --\na\n-- hostcalls --\na\n", "x.txtar:4: second section hostcalls, the first is at line 2"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { wantRefused(t, "Doc.\n"+c.text+settingsCall, c.want) })
	}
	_, err := Parse("x.txtar", []byte("Doc.\n"+settingsCall+"-- advance --\n1s\n-- hostcalls --\na\n"), nil)
	if want := "section hostcalls describes no request: write it after the request section"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error is %v, want one with %q", err, want)
	}
}

// watched is a toy whose guest makes hostcalls.
type watched struct {
	able
	calls []string
	set   []Hostcall
}

func (d *watched) Start(ctx context.Context, s Setup) (Instance, error) {
	in, err := d.able.Start(ctx, s)
	if s, err := s.Expand(Vars{Now: toyStart}); err == nil {
		d.set = append(d.set, s.Hostcalls...)
	}
	return &watchedInstance{Instance: in, driver: d, calls: []string{"proxy_get_buffer_bytes"}}, err
}

type watchedInstance struct {
	Instance
	driver *watched
	calls  []string
}

func (in *watchedInstance) Do(ctx context.Context, r Request) (Result, error) {
	in.calls = append(in.calls, in.driver.calls...)
	return in.Instance.Do(ctx, r)
}

func (in *watchedInstance) SetHostcall(h Hostcall) error {
	in.driver.set = append(in.driver.set, h)
	return nil
}

func (in *watchedInstance) TakeTrace() Trace {
	calls := in.calls
	in.calls = nil
	return Trace{Hostcalls: calls, Actions: []string{"proxy_on_request_headers Pause"}}
}

func TestHostcallsThatAreNotListed(t *testing.T) {
	calls := []string{"proxy_log", "proxy_get_property", "proxy_log"}
	cases := []struct{ name, whole, each, want, updated string }{
		{"all listed", "proxy_get_buffer_bytes 1\nproxy_log <=2\nproxy_get_property\n", "proxy_get_property\nproxy_log 2\n", "", ""},
		{"never called", "", "proxy_get_property\nproxy_log\nproxy_done\n", "", ""},
		{"one not listed", "", "proxy_log\n", "  proxy_log\n+ proxy_get_property 1\n", "proxy_log\nproxy_get_property\n"},
		{"too few", "", "proxy_log 3\nproxy_get_property\n", "- proxy_log 3\n+ proxy_log 2\n  proxy_get_property\n", "proxy_log 2\nproxy_get_property\n"},
		{"too many", "", "proxy_log <=1\nproxy_get_property\n", "- proxy_log <=1\n+ proxy_log 2\n  proxy_get_property\n", "proxy_log 2\nproxy_get_property\n"},
		{"one of the start", "proxy_log\nproxy_get_property\n", "", "  proxy_log\n  proxy_get_property\n+ proxy_get_buffer_bytes 1\n", "proxy_log\nproxy_get_property\nproxy_get_buffer_bytes\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			text := "Doc.\n"
			if c.whole != "" {
				text += "-- hostcalls --\n" + c.whole
			}
			text += settingsCall
			if c.each != "" {
				text += "-- hostcalls --\n" + c.each
			}
			f, err := Parse("x.txtar", []byte(text), nil)
			if err != nil {
				t.Fatal(err)
			}
			report, err := Run(t.Context(), f, &watched{calls: calls})
			if err != nil || report.OK() != (c.want == "") {
				t.Fatalf("report %v, error %v", report, err)
			}
			if c.want == "" {
				return
			}
			if got := report.Differences[0].Text; got != c.want {
				t.Errorf("difference\n%swant\n%s", got, c.want)
			}
			updated, err := Update(t.Context(), f, &watched{calls: calls})
			if err != nil || !strings.Contains(string(updated), "-- hostcalls --\n"+c.updated) {
				t.Errorf("updated to\n%s\n%v", updated, err)
			}
		})
	}
}

// What is said of a hostcall before the first request holds from the start, and what is said later from there on.
func TestHostcallsAreSetInOrder(t *testing.T) {
	f, err := Parse("x.txtar", []byte("Doc.\n-- hostcall a --\nfails: Empty\nwith: ${sha256:a}\n"+settingsCall+"-- hostcall b --\ngives: ${now}\ntimes: 2\n"+
		strings.TrimPrefix(settingsCall, "-- config.yaml --\n{realm: toy, service: s}\n")), nil)
	if err != nil {
		t.Fatal(err)
	}
	d := &watched{}
	if report, err := Run(t.Context(), f, d); err != nil || !report.OK() {
		t.Fatal(report, err)
	}
	want := []Hostcall{{Name: "a", With: "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb", Fails: "Empty"},
		{Name: "b", Gives: []byte("1795420800"), Times: 2}}
	if diff := cmp.Diff(want, d.set); diff != "" {
		t.Error(diff)
	}
	if words := f.setup.Words(); len(words) != 1 { // the later one is added when it is played
		t.Errorf("words %v", words)
	}
}

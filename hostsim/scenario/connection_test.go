package scenario

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const networkFile = "Doc.\n-- settings --\nnetwork: true\n-- config.yaml --\n{realm: toy, service: s}\n"

func TestConnectionsRefused(t *testing.T) {
	const talk = "-- connection --\n> backend connected\n"
	cases := []struct{ name, text, want string }{
		{"no setting", "Doc.\n-- config.yaml --\n{a: 1}\n" + talk, "x.txtar:4: section connection without network: true: write that in section settings, or write a request"},
		{"a request", networkFile + talk + strings.TrimPrefix(settingsCall, "-- config.yaml --\n{realm: toy, service: s}\n"), "x.txtar:8: section request with network: true: write a section connection, or remove the setting"},
		{"nothing happens", networkFile, "no request and no config_error: nothing is checked"},
		{"a response", networkFile + talk + "-- response --\n200\n", "x.txtar:8: section response describes a request: write what the ends of a connection see into its section, after > "},
		{"a request at the backend", networkFile + talk + "-- backend --\nGET / HTTP/1.1\n", "x.txtar:8: section backend describes a request"},
		{"results before it", networkFile + "-- log --\nx\n" + talk, "x.txtar:6: section log describes no request"},
		{"an answer of the backend", networkFile + "-- upstream --\nHTTP/1.1 200\n" + talk, "x.txtar:6: section upstream with network: true can only be fault: refuse, before the first connection: write what the backend does in section connection"},
		{"refused too late", networkFile + talk + "-- upstream --\nfault: refuse\n", "x.txtar:8: section upstream with network: true can only be fault: refuse"},
		{"a setting of HTTP", strings.Replace(networkFile, "true\n", "true\nhops: 1\n", 1) + talk, "x.txtar:2: setting hops applies to HTTP and not with network: true: remove one of them"},
		{"another plugin", networkFile + "-- plugin p before --\n" + talk, "x.txtar:6: section plugin with network: true"},
		{"somebody else", networkFile + talk + "server hello\n", `x.txtar:8: "server hello" is not a move: write client or backend and the text it sends, end or reset; or wait DURATION; or > and what an end sees`},
		{"nothing done", networkFile + talk + "client\n", `x.txtar:8: "client" is not a move`},
		{"no duration", networkFile + talk + "wait long\n", `x.txtar:8: duration "long" is not between 0 and`},
		{"a quote that is open", networkFile + talk + "client \"a\n", `x.txtar:8: "\"a" is not a quoted text as in Go`},
		{"a sight that is none", networkFile + talk + "client a\n> client connected\n", `x.txtar:9: "client connected" is not something an end sees: write backend connected; or client or backend, and got "TEXT", got N bytes, sees the end or sees the reset`},
		{"no text got", networkFile + talk + "> backend got x\n", `x.txtar:8: "backend got x" is not something`},
		{"pattern", networkFile + talk + "> ~(\n", `x.txtar:7: regular expression "~(": error parsing regexp`},
		{"variable sent", networkFile + talk + "client ${later}\n", "x.txtar:7: unknown ${later}"},
		{"variable seen", networkFile + talk + "> client got \"${later}\"\n", "x.txtar:7: unknown ${later}"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { wantRefused(t, c.text, c.want) })
	}
}

func TestParseMoves(t *testing.T) {
	got, err := ParseMoves("x", []byte("client a b\nbackend \"a\\n\\x00${now}\"\nclient \"end\"\nclient end\nbackend reset\nwait 1.5s\n"), Vars{Now: time.Unix(7, 0)})
	want := []Move{
		{Who: ClientEnd, What: Sends, Data: []byte("a b"), Text: "client a b"},
		{Who: BackendEnd, What: Sends, Data: []byte("a\n\x007"), Text: `backend "a\n\x00${now}"`},
		{Who: ClientEnd, What: Sends, Data: []byte("end"), Text: `client "end"`},
		{Who: ClientEnd, What: Ends, Data: []byte{}, Text: "client end"},
		{Who: BackendEnd, What: Resets, Data: []byte{}, Text: "backend reset"},
		{Passes: 1500 * time.Millisecond, Data: []byte{}, Text: "wait 1.5s"},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v, moves (-want +got):\n%s", err, diff)
	}
	for _, text := range []string{"server x\n", "client ${x}\n", "client a\n> client sees the end\n"} {
		if _, err := ParseMoves("x", []byte(text), Vars{}); err == nil {
			t.Errorf("%q is read", text)
		}
	}
}

// talker is a toy behind which a backend says everything twice.
type talker struct{ able }

func (d *talker) Start(ctx context.Context, s Setup) (Instance, error) {
	in, err := d.able.Start(ctx, s)
	return talkerInstance{in}, err
}

type talkerInstance struct{ Instance }

func (in talkerInstance) Converse(_ context.Context, moves []Move) (Result, error) {
	client, backend := &End{}, &End{}
	backend.Saw(Connected)
	ends := Converse(moves, client, backend, func(m Move) {
		if m.What == Ends {
			client.Saw(Ends)
			client.Saw(Ends)
			backend.Saw(Resets)
		}
		backend.Got(m.Data)
		client.Got(append(m.Data, m.Data...))
	}, func() {})
	if len(moves) == 0 {
		ends = nil
	}
	return Result{Ends: ends, Log: []LogLine{{"info", "talked"}}, Calls: map[string][]Request{"keys": {{Method: "GET", Target: "/"}}}}, nil
}

func TestConnectionIsCompared(t *testing.T) {
	const right = "> backend connected\nclient a ${now}\n> client got \"a 1795420800a 1795420800\"\n> ~backend got .*\nclient ${repeat:400:x}\n> client got 800 bytes\n" +
		"> backend got 400 bytes\nwait 1s\nclient end\n> backend sees the reset\n> client sees the end\n"
	cases := []struct{ name, text, want, updated string }{
		{"all seen", right, "", ""},
		{"nothing expected", "client a\n",
			"+ > backend connected\n  client a\n+ > client got \"aa\"\n+ > backend got \"a\"\n",
			"> backend connected\nclient a\n> client got \"aa\"\n> backend got \"a\"\n"},
		{"one too many, one other", "> backend connected\n> client sees the end\nclient a\n> ~client got \"(aa)+\"\n> backend got \"aa\"\n",
			"  > backend connected\n- > client sees the end\n  client a\n  > client got \"aa\"\n+ > backend got \"a\"\n- > backend got \"aa\"\n",
			"> backend connected\nclient a\n> ~client got \"(aa)+\"\n> backend got \"a\"\n"},
		{"what the format would read as a variable", "> backend connected\nclient {$\n> backend got \"{$\"\n",
			"  > backend connected\n  client {$\n+ > client got \"{${$\"\n  > backend got \"{$\"\n",
			`> backend connected` + "\nclient {$\n" + `> ~client\x20got\x20"\x7b\$\x7b\$"` + "\n> backend got \"{$\"\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f, err := Parse("x.txtar", []byte(networkFile+"-- connection --\n"+c.text+"-- calls keys --\n1\n-- log --\ntalked\n"), nil)
			if err != nil {
				t.Fatal(err)
			}
			report, err := Run(t.Context(), f, &talker{})
			if err != nil || report.OK() != (c.want == "") {
				t.Fatalf("report %v, error %v", report, err)
			}
			if c.want == "" {
				return
			}
			if got := report.Differences[0].Text; got != c.want {
				t.Errorf("difference\n%swant\n%s", got, c.want)
			}
			updated, err := Update(t.Context(), f, &talker{})
			if err != nil || !strings.Contains(string(updated), "-- connection --\n"+c.updated+"-- calls") {
				t.Fatalf("updated to\n%s\n%v", updated, err)
			}
			if f, err = Parse("x.txtar", updated, nil); err != nil {
				t.Fatal(err)
			}
			if report, err := Run(t.Context(), f, &talker{}); err != nil || !report.OK() {
				t.Errorf("what was updated gives %v, error %v", report, err)
			}
		})
	}
}

func TestConnectionThatCannotBePlayed(t *testing.T) {
	f, err := Parse("x.txtar", []byte(networkFile+"-- connection --\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		driver        Driver
		skipped, want string
	}{
		"a driver of requests alone": {&toy{}, "settings network is not sayable on toy: the driver knows no such thing", "not sayable"},
		"an instance of requests":    {&able{}, "", "x.txtar:7: the driver plays no connections"},
		"a driver that loses count":  {&talker{}, "", "reported 0 times what the ends saw, want 1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Run(t.Context(), f, c.driver)
			if reason, _ := Skipped(err); reason != c.skipped || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, skipped for %q", err, reason)
			}
		})
	}
}

// A call that the file does not expect is written behind the connection, and the log is compared as after a request.
func TestConnectionHasOtherResults(t *testing.T) {
	f, err := Parse("x.txtar", []byte(networkFile+"-- connection --\n> backend connected\nwait 1s\n-- log --\n! talked\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	report, err := Run(t.Context(), f, &talker{})
	if err != nil || len(report.Differences) != 2 || report.Differences[0].Section != "calls keys" || report.Differences[1].Section != "log" {
		t.Errorf("report %v, error %v", report, err)
	}
	updated, err := Update(t.Context(), f, &talker{})
	if want := "wait 1s\n-- calls keys --\nGET / HTTP/1.1\n-- log --\n"; err != nil || !strings.Contains(string(updated), want) {
		t.Errorf("updated to\n%s\n%v", updated, err)
	}
}

package scenario

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/internal/delta"
	"golang.org/x/tools/txtar"
)

// Each case is a file with one fault, and the message that must name it.
func TestParseRefuses(t *testing.T) {
	const ok = "-- config.yaml --\n{a: 1}\n"
	const call = "-- request --\nGET / HTTP/1.1\nhost: a\n-- response --\n200\n"
	cases := []struct{ name, text, want string }{
		{"no sentence", ok + call, "x.txtar:1: no sentence on top: state the behaviour"},
		{"no request", "Doc.\n" + ok, "x.txtar:1: no request and no config_error"},
		{"no config", "Doc.\n" + call, "x.txtar:1: no configuration: write a section config.yaml"},
		{"unknown section", "Doc.\n" + ok + "-- okta --\nx\n" + call, `x.txtar:4: unknown section "okta": write one of env,`},
		{"argument too many", "Doc.\n-- config.yaml x --\n", `x.txtar:2: section "config.yaml x" takes no argument: write "config.yaml"`},
		{"cluster without name", "Doc.\n-- cluster --\nHTTP/1.1 200\n", "x.txtar:2: section \"cluster\" wants a cluster's name"},
		{"second config", "Doc.\n" + ok + ok + call, "x.txtar:4: second section config.yaml, the first is at line 2"},
		{"two kinds of config", "Doc.\n" + ok + "-- config.json --\n{}\n" + call, "2 of config.yaml, config.json and config.patch.yaml: keep one"},
		{"patch without base", "Doc.\n-- config.patch.yaml --\n{}\n" + call, "x.txtar:2: config.patch.yaml has no base.yaml"},
		{"bad YAML", "Doc.\n-- config.yaml --\n{a: [\n" + call, "x.txtar:2: read config.yaml:"},
		{"duplicate YAML key", "Doc.\n-- config.yaml --\na: 1\na: 2\n" + call, "already set in map"},
		{"bad environment", "Doc.\n-- env --\nA=1\nB\n" + ok + call, `x.txtar:4: environment line "B" is not NAME=value`},
		{"unknown fault", "Doc.\n" + ok + "-- cluster c --\nfault: explode\n" + call, `x.txtar:5: unknown fault "explode": write one of refuse, timeout`},
		{"oversize without size", "Doc.\n" + ok + "-- cluster c --\nfault: oversize\n" + call, "x.txtar:5: fault oversize has 0 arguments, and takes 1"},
		{"oversize too large", "Doc.\n" + ok + "-- cluster c --\nfault: oversize 1000000000\n" + call, `size "1000000000" is not a number of bytes from 1 to`},
		{"slow without answer", "Doc.\n" + ok + "-- cluster c --\nfault: slow 1s\n" + call, "x.txtar:6: an answer starts with a line HTTP/1.1 STATUS"},
		{"slow for a year", "Doc.\n" + ok + "-- cluster c --\nfault: slow 8760h\nHTTP/1.1 200\n" + call, `duration "8760h" is not between 0 and 30s`},
		{"text after a fault", "Doc.\n" + ok + "-- cluster c --\nfault: reset\nHTTP/1.1 200\n" + call, "x.txtar:6: text after fault reset"},
		{"static fault changed", "Doc.\n" + ok + "-- cluster c --\nfault: refuse\n" + call + "-- cluster c --\nHTTP/1.1 200\n", "cluster c has the fault of line 4 for the whole file"},
		{"static fault too late", "Doc.\n" + ok + "-- cluster c --\nHTTP/1.1 200\n" + call + "-- cluster c --\nfault: unknown\n", "fault unknown holds for the whole file"},
		{"answer without version", "Doc.\n" + ok + "-- cluster c --\n200\n" + call, "x.txtar:5: an answer starts with a line HTTP/1.1 STATUS"},
		{"answer with bad status", "Doc.\n" + ok + "-- cluster c --\nHTTP/1.1 20x\n" + call, `status line "HTTP/1.1 20x"`},
		{"answer with bad header", "Doc.\n" + ok + "-- cluster c --\nHTTP/1.1 200\na b: c\n" + call, `header name "a b" cannot be sent`},
		{"upstream fault", "Doc.\n" + ok + "-- upstream --\nfault: refuse\n" + call, "x.txtar:5: the backend has no fault refuse"},
		{"request line", "Doc.\n" + ok + "-- request --\nGET /\nhost: a\n-- response --\n200\n", `x.txtar:5: request line "GET /" is not METHOD target HTTP/1.1`},
		{"empty request", "Doc.\n" + ok + "-- request --\n-- response --\n200\n", "x.txtar:5: request line is missing"},
		{"no host", "Doc.\n" + ok + "-- request --\nGET / HTTP/1.1\n-- response --\n200\n", "x.txtar:5: request has no host header"},
		{"pieces of nothing", "Doc.\n" + ok + "-- request --\npieces: 0\nGET / HTTP/1.1\nhost: a\n-- response --\n200\n", "x.txtar:5: \"pieces: 0\" is not pieces: BYTES, from 1"},
		{"pieces of no size", "Doc.\n" + ok + "-- request --\npieces:\nGET / HTTP/1.1\nhost: a\n-- response --\n200\n", "x.txtar:5: \"pieces: \" is not pieces: BYTES, from 1"},
		{"dust", "Doc.\n" + ok + "-- request --\npieces: 1\nGET / HTTP/1.1\nhost: a\n\n" + strings.Repeat("x", 200) + "\n-- response --\n200\n", "at most 100 pieces"},
		{"header line", "Doc.\n" + ok + "-- request --\nGET / HTTP/1.1\nhost: a\nbody\n-- response --\n200\n", `x.txtar:7: header line "body" is not name: value; the body starts after an empty line`},
		{"pattern in a request", "Doc.\n" + ok + "-- request --\nGET / HTTP/1.1\nhost: a\n~x: y\n-- response --\n200\n", `header name "~x: y" cannot be sent`},
		{"no response", "Doc.\n" + ok + "-- request --\nGET / HTTP/1.1\nhost: a\n", "x.txtar:4: request has no response section"},
		{"response status", "Doc.\n" + ok + "-- request --\nGET / HTTP/1.1\nhost: a\n-- response --\nHTTP/1.1 200\n", `x.txtar:8: status line "HTTP/1.1 200" is not STATUS`},
		{"response without request", "Doc.\n" + ok + "-- response --\n200\n" + call, "x.txtar:4: section response describes no request"},
		{"outcome after advance", "Doc.\n" + ok + call + "-- advance --\n1s\n-- log --\nx\n", "x.txtar:11: section log describes no request"},
		{"two responses", "Doc.\n" + ok + call + "-- response --\n200\n", "second section response for the request of line 5"},
		{"two calls sections", "Doc.\n" + ok + call + "-- calls c --\n1\n-- calls c --\n1\n", "second section calls c"},
		{"empty calls", "Doc.\n" + ok + call + "-- calls c --\n", "section calls is empty: write a number"},
		{"negative calls", "Doc.\n" + ok + call + "-- calls c --\n-1\n", "number of calls -1 is not between 0"},
		{"second call is bad", "Doc.\n" + ok + call + "-- calls c --\nGET / HTTP/1.1\n---\nGET\n", `x.txtar:12: request line "GET"`},
		{"metric without sign", "Doc.\n" + ok + call + "-- metrics --\na 1\n", `x.txtar:10: metric line "a 1" is not NAME +N`},
		{"metric twice", "Doc.\n" + ok + call + "-- metrics --\na +1\na +2\n", `x.txtar:11: second line for metric "a"`},
		{"unknown variable in a metric", "Doc.\n" + ok + call + "-- metrics --\na${b} +1\n", `x.txtar:10: unknown ${b}`},
		{"empty log line", "Doc.\n" + ok + call + "-- log --\n\nx\n", "x.txtar:10: empty line"},
		{"advance", "Doc.\n" + ok + "-- advance --\n5\n" + call, `x.txtar:5: duration "5" is not between`},
		{"config_error with request", "Doc.\n" + ok + call + "-- config_error --\nx\n", "x.txtar:9: config_error with a request"},
		{"skip without reason", "Doc.\n" + ok + call + "-- skip envoy --\n", "section skip envoy has no reason"},
		{"unknown variable", "Doc.\n" + ok + "-- request --\nGET /${later} HTTP/1.1\nhost: a\n-- response --\n200\n", "x.txtar:5: unknown ${later}: write now, now+N"},
		{"open variable", "Doc.\n" + ok + "-- env --\nA=${now\n" + call, "x.txtar:4: ${now is not closed"},
		{"bad offset", "Doc.\n" + ok + "-- env --\nA=${now+1h}\n" + call, "unknown ${now+1h}"},
		{"offset beyond the calendar", "Doc.\n" + ok + "-- env --\nA=${now+99999999999}\n" + call, "unknown ${now+99999999999}"},
		{"repeat explosion", "Doc.\n" + ok + "-- env --\nA=${repeat:9999999999:x}\n" + call, "makes the text longer than"},
		{"repeat in sum", "Doc.\n" + ok + "-- env --\nA=" + strings.Repeat("${repeat:1000000:x}", 3) + "\n" + call, "makes the text longer than"},
		{"bad pattern", "Doc.\n" + ok + "-- request --\nGET / HTTP/1.1\nhost: a\n-- response --\n200\n\n~(\n", `x.txtar:8: regular expression "~(": error parsing regexp`},
		{"carriage return", "Doc.\r\n" + ok + call, "x.txtar:1: carriage return"},
		{"control character", "Doc.\n" + ok + "-- request --\nGET / HTTP/1.1\nhost: a\nx: a\x00b\n-- response --\n200\n", "value of header x has a control character"},
		{"too long", "Doc.\n" + strings.Repeat("x", maxFileSize), "bytes, and may have"},
		{"too many sections", "Doc.\n" + strings.Repeat("-- log --\nx\n", maxSections+1), "sections, and may have"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("x.txtar", []byte(c.text), nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestParseReportsAllProblems(t *testing.T) {
	_, err := Parse("x.txtar", []byte("-- okta --\n-- request --\nGET\n-- log --\nx\n"), nil)
	if err == nil {
		t.Fatal("no error")
	}
	if got := strings.Count(err.Error(), "x.txtar:"); got < 4 {
		t.Errorf("%d problems in %v, want at least 4", got, err)
	}
}

func TestParseBodies(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"none", "200\n", ""},
		{"none after the empty line", "200\n\n", ""},
		{"one line", "200\n\nabc\n", "abc"},
		{"newline at the end", "200\n\nabc\n\n", "abc\n"},
		{"empty line within", "200\n\na\n\nb\n", "a\n\nb"},
		{"a newline alone", "200\n\n\n\n", "\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := &problems{}
			got := parseResponse(passage{line: 1, text: c.text}, p)
			if p.err() != nil || string(got.Body) != c.want {
				t.Errorf("body %q, error %v, want %q", got.Body, p.err(), c.want)
			}
			if again := parseResponse(passage{line: 1, text: formatResponse(got)}, p); string(again.Body) != c.want {
				t.Errorf("formatted and read again: body %q, want %q", again.Body, c.want)
			}
		})
	}
}

func TestParsePatch(t *testing.T) {
	base := []byte("a: {b: 1, big: 12345678901234567890}\nservice: ${cluster.okta}\nexpires: ${time+60}\n")
	text := "Doc.\n-- config.patch.yaml --\na: {b: null, c: '<&>'}\n-- request --\nGET / HTTP/1.1\nhost: a\n-- response --\n200\n"
	f, err := Parse("x.txtar", []byte(text), base)
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.setup.Expand(Vars{Now: rehearsalTime, ClusterName: func(n string) string { return n + "_7" }})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"a":{"big":12345678901234567890,"c":"<&>"},"expires":"2026-11-01T12:01:00Z","service":"okta_7"}`
	if got := string(s.Config); got != want {
		t.Errorf("config\n%s, want\n%s", got, want)
	}
	// The cluster has no section of its own: a call to it must still be seen.
	if diff := cmp.Diff(DefaultClusterAnswer(), s.Clusters["okta"], cmp.Transformer("text", func(b []byte) string { return string(b) })); diff != "" {
		t.Errorf("answer of okta (-want +got):\n%s", diff)
	}
}

func TestParseRawConfig(t *testing.T) {
	const raw = `{"a":1,"a":2} trailing`
	f, err := Parse("x.txtar", []byte("Doc.\n-- config.json --\n"+raw+"\n-- config_error --\nduplicate\n"), []byte("base: yes"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.setup.Expand(Vars{})
	if err != nil || string(s.Config) != raw {
		t.Errorf("config %q, error %v, want %q", s.Config, err, raw)
	}
}

func TestParseSetup(t *testing.T) {
	text := dedent(`
		Doc.
		-- env --
		SECRET=a=b
		-- config.yaml --
		{a: 1}
		-- cluster early --
		fault: slow 250ms
		HTTP/1.1 204
		-- cluster early --
		fault: oversize 33
		-- upstream --
		HTTP/1.1 201
		-- request --
		GET / HTTP/1.1
		host: a
		-- response --
		200
		-- calls silent --
		0
		-- cluster late --
		HTTP/1.1 200
		-- cluster gone --
		fault: no_endpoints
		`)
	f, err := Parse("x.txtar", text, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := f.setup
	if s.Env["SECRET"] != "a=b" || s.Upstream.Response.Status != 201 {
		t.Errorf("environment %v, upstream %v", s.Env, s.Upstream)
	}
	faults := map[string]Fault{}
	for name, a := range s.Clusters {
		faults[name] = a.Fault
	}
	want := map[string]Fault{"early": FaultOversize, "silent": "", "late": "", "gone": FaultNoEndpoints}
	if diff := cmp.Diff(want, faults); diff != "" {
		t.Errorf("faults at the start (-want +got):\n%s", diff)
	}
	if n := len(s.Clusters["early"].OnWire().Body); n != 33 {
		t.Errorf("oversize body has %d bytes, want 33", n)
	}
	if got := s.Clusters["late"].Response.Status; got != 500 {
		t.Errorf("late answers %d before its section, want 500", got)
	}
}

func TestExpand(t *testing.T) {
	v := Vars{Now: time.Unix(1_800_000_000, 0), ClusterName: func(n string) string { return "s1." + n }}
	cases := []struct{ in, want string }{
		{"plain $ { }", "plain $ { }"},
		{"${now}", "1800000000"},
		{"${now+3600}-${now-5}", "1800003600-1799999995"},
		{"${time}", "2027-01-15T08:00:00Z"},
		{"${cluster.okta}", "s1.okta"},
		{"${sha256:abc}", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"${base64:user:pass}", "dXNlcjpwYXNz"},
		{"${repeat:3:a:b}", "a:ba:ba:b"},
	}
	for _, c := range cases {
		x := newExpander(v)
		if got := x.Text(c.in); got != c.want || x.Err != nil {
			t.Errorf("%s is %q, error %v, want %q", c.in, got, x.Err, c.want)
		}
	}
	x := newExpander(v)
	if got := x.Expected("~${cluster.okta} .*"); got != `~s1\.okta .*` {
		t.Errorf("in a pattern: %q", got)
	}
}

func TestNoise(t *testing.T) {
	got := []Header{{"Date", "now"}, {"X-Envoy-Foo", "1"}, {"x-forwarded-for", "1.2.3.4"}, {"A", "b"}}
	quiet := &delta.Delta{}
	compareHeaders(quiet, []Header{{"a", "b"}}, got)
	if quiet.Differs {
		t.Errorf("noise is compared:\n%s", quiet.Text.String())
	}
	named := &delta.Delta{}
	compareHeaders(named, []Header{{"a", "b"}, {"X-Forwarded-For", "5.6.7.8"}}, got)
	if !named.Differs {
		t.Error("noise that the expectation names is not compared")
	}
	line := &delta.Delta{}
	compareHeaders(line, []Header{{Name: "~a: [bc]"}}, got)
	if line.Differs {
		t.Errorf("a pattern for a whole line does not match:\n%s", line.Text.String())
	}
}

// TestLoadFile: one file, by the base configuration of a folder above it.
func TestLoadFile(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.MkdirAll("far/deep", 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"base.yaml": "a: 1\n", "far/deep/e.txtar": "E.\n-- request --\nGET / HTTP/1.1\nhost: a\n-- response --\n401\n"} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	files, err := Load("far/deep/e.txtar")
	if err != nil || len(files) != 1 || files[0].Name != "e" {
		t.Fatalf("%+v, %v", files, err)
	}
	if s, err := files[0].setup.Expand(Vars{}); err != nil || string(s.Config) != `{"a":1}` {
		t.Errorf("config %s, error %v", s.Config, err)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const call = "-- request --\nGET / HTTP/1.1\nhost: a\n-- response --\n401\nx-a: b\n\n{}\n-- metrics --\nm +1\n-- log --\nl\n"
	write("base.yaml", "a: 1\n")
	write("b.txtar", "B.\n"+call)
	write("near/base.yaml", "a: 2\n")
	write("near/d.txtar", "D.\n"+call)
	write("far/deep/e.txtar", "E.\n"+call)
	write("sub/a.txtar", "A.\n-- config.yaml --\n{}\n-- skip native --\nneeds a socket\n"+call)
	write("sub/c.txtar", "C.\n-- config.yaml --\n[\n-- config_error --\nbad\n")
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "c.txtar:2") {
		t.Errorf("error is %v, want the problem of sub/c.txtar", err)
	}
	write("sub/c.txtar", "C.\n-- config.json --\n[\n-- config_error --\nbad\n")
	files, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	var all Expected
	for _, f := range files {
		names = append(names, f.Name+" "+f.Doc)
		e := f.Expected()
		all.Statuses = append(all.Statuses, e.Statuses...)
		all.Bodies = append(all.Bodies, e.Bodies...)
		all.Headers = append(all.Headers, e.Headers...)
		all.Metrics = append(all.Metrics, e.Metrics...)
		all.Logs = append(all.Logs, e.Logs...)
		all.ConfigErrors = append(all.ConfigErrors, e.ConfigErrors...)
	}
	if diff := cmp.Diff([]string{"b B.", "far/deep/e E.", "near/d D.", "sub/a A.", "sub/c C."}, names); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	want := Expected{Statuses: []int{401, 401, 401, 401}, Bodies: []string{"{}", "{}", "{}", "{}"},
		Headers: []Header{{"x-a", "b"}, {"x-a", "b"}, {"x-a", "b"}, {"x-a", "b"}},
		Metrics: []string{"m", "m", "m", "m"}, Logs: []string{"l", "l", "l", "l"}, ConfigErrors: []string{"bad"}}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("expected (-want +got):\n%s", diff)
	}
	for i, want := range map[int]string{0: `{"a":1}`, 1: `{"a":1}`, 2: `{"a":2}`} {
		if s, err := files[i].setup.Expand(Vars{}); err != nil || string(s.Config) != want {
			t.Errorf("%s has config %s, error %v, want %s", files[i].Name, s.Config, err, want)
		}
	}
	if reason, skip := files[3].Skip("native"); !skip || reason != "needs a socket" {
		t.Errorf("skip native: %q, %v", reason, skip)
	}
	if _, skip := files[3].Skip("hostsim"); skip {
		t.Error("hostsim is skipped too")
	}
	if _, err := Load(t.TempDir()); err == nil {
		t.Error("an empty folder is not an error")
	}
}

func FuzzParse(f *testing.F) {
	example, err := os.ReadFile("testdata/allowed.txtar")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example, []byte(nil))
	f.Add([]byte("Doc.\n-- config.patch.yaml --\n{a: null}\n-- cluster c --\nfault: slow 1s\nHTTP/1.1 200\n\n${repeat:9:x}\n-- config_error --\n~a|b\n"), []byte("a: &x [1]\nb: *x\n"))
	f.Add([]byte("-- calls c --\n---\n---\n-- metrics --\na b +1\n"), []byte("{"))
	f.Add([]byte("Doc.\n-- settings --\nvm_id: a\nidle: -1s\n-- properties --\nint a.b = 5\nc = d = e\n-- plugin p before --\nmodule: m\n-- config.json p --\nx\n"+
		"-- hostcalls --\nproxy_log <=2\n-- hostcall proxy_log --\nwith: ~a|b\nfails: Empty\ntimes: 2\n"+settingsCall+"-- hostcalls --\na 1\n"), []byte(nil))
	f.Add([]byte(networkFile+"-- upstream --\nfault: refuse\n-- connection --\n> ~client .*\nclient \"a\\n\"\nbackend reset\n> client got \"${now}\"\nwait 1s\n-- calls c --\n1\n"), []byte(nil))
	f.Fuzz(func(t *testing.T, data, base []byte) {
		got, err := Parse("f.txtar", data, base)
		if err != nil {
			return
		}
		// What was read can be played, and written out reads the same.
		if _, err := Run(t.Context(), got, &watched{}); err != nil {
			t.Skip(err) // such as a YAML that depends on the cluster's name
		}
		again, err := Parse("f.txtar", txtar.Format(got.archive), base)
		if err != nil {
			t.Fatalf("written out it does not parse: %v", err)
		}
		if diff := cmp.Diff(got.Expected(), again.Expected()); diff != "" {
			t.Fatalf("written out it expects otherwise:\n%s", diff)
		}
	})
}
